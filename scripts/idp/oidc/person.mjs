// Plays the person of a device login in a real browser: opens the address,
// enters the code, signs in, and approves or denies. The pages are the
// identity provider's own: what is clicked is what they show.
//
//   node person.mjs ADDRESS CODE USER PASSWORD approve|deny
import { chromium } from 'playwright-core'

const [address, code, user, password, decision] = process.argv.slice(2)
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
const page = await browser.newPage()
page.setDefaultTimeout(20_000)
// The pages name fonts from elsewhere; a test asks nobody else.
await page.route((url) => url.hostname !== '127.0.0.1', (route) => route.abort())

// Each step is a page: the field or button by which it is known, and what the
// person does there. The last is the one that says that it is done.
const steps = [
  ['input[name=user_code]', (field) => submit(field, code)],
  ['button[name=abort]', (button) => decision === 'deny' ? button.click() : page.locator('button[autofocus]').click()],
  ['input[name=login]', async (field) => {
    if (await page.locator('input[name=password]').count()) await page.fill('input[name=password]', password)
    await submit(field, user)
  }],
  ['button:has-text("Grant Access")', (button) => decision === 'deny' ? page.click('button:has-text("Reject"), button:has-text("Deny"), [name=approval][value=rejected]') : button.click()],
  ['form button[type=submit]:has-text("Continue"), form input[type=submit][value=Continue]', (button) => decision === 'deny' ? page.click('a[href*=abort]') : button.click()],
]
const done = /sign-in success|login successful|sign-in request was interrupted/i

async function submit(field, text) {
  await field.fill(text)
  await field.press('Enter')
}

let status = 1
try {
  await page.goto(address)
  for (let n = 0; n < 10; n++) {
    const body = await page.innerText('body')
    if (done.test(body)) { status = 0; break }
    const before = page.url() + body
    let step
    for (const [selector, act] of steps) {
      const found = page.locator(selector).first()
      if (await found.isVisible()) { step = () => act(found); break }
    }
    if (!step) break
    await step()
    await page.waitForFunction((before) => location.href + document.body.innerText !== before, before)
    await page.waitForLoadState('load')
  }
  if (status) console.error(`the person does not know what to do on ${page.url()}:\n${await page.innerText('body')}`)
} catch (error) {
  console.error(`${error.message}\non ${page.url()}:\n${await page.innerText('body').catch(() => '')}`)
}
await browser.close()
process.exit(status)
