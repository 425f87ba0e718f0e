// Plays the person in front of an entry page in a real Chromium, and says what
// is wrong, one line for each finding on standard output. It reads what to do
// from standard input: { chromium, shots, scenes: [{ play, url, value,
// elsewhere }] }. In elsewhere another site is served.
'use strict'
const fs = require('fs')
const path = require('path')
const { chromium } = require(path.join(process.argv[2], 'playwright-core'))
const job = JSON.parse(fs.readFileSync(0, 'utf8'))

const says = async (page, heading) => {
  const h1 = await page.innerText('h1').catch(() => '')
  if (h1 !== heading) throw new Error(`the page says ${JSON.stringify(h1)}, not ${heading}, at ${page.url()}`)
}
const hides = async (page, value) => {
  const kept = await page.evaluate(() => document.documentElement.outerHTML + [...document.querySelectorAll('input, textarea')].map((e) => e.value).join())
  if (value && kept.includes(value)) throw new Error('the page holds the value')
}
const store = async (page) => {
  await page.getByRole('button', { name: 'Store' }).click()
  await page.waitForLoadState()
}
// paste puts all of it there at once: typing 1 MiB takes minutes.
const paste = (page, value) => page.getByLabel('Several lines', { exact: true }).evaluate((e, v) => { e.value = v }, value)
const more = (page) => page.getByText('Several lines, or a file').first().click()

const scenes = {
  async typed(page, { value, shot }) {
    if (shot) await page.screenshot({ path: path.join(job.shots, 'entry.png'), fullPage: true })
    await page.keyboard.type(value) // the field has the focus
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/entered\//)
    await says(page, 'Stored')
    await hides(page, value)
    await page.reload()
    await says(page, 'Stored')
    await page.goBack()
    await says(page, 'This page was used')
    await hides(page, value)
    await page.goForward()
    await says(page, 'Stored')
  },
  async lines(page, { value }) {
    await more(page)
    await paste(page, value)
    await store(page)
    await says(page, 'Stored')
  },
  async file(page, { value }) {
    await more(page)
    await page.getByLabel(/^A file/).setInputFiles({ name: 'key', mimeType: 'application/octet-stream', buffer: Buffer.from(value, 'base64') })
    await store(page)
    await says(page, 'Stored')
  },
  async tooLarge(page, { value }) {
    await more(page)
    await paste(page, value)
    await store(page)
    if (!/over 1 MiB/.test(await page.innerText('[role=alert]'))) throw new Error('no problem is shown')
    await hides(page, value)
    await page.getByLabel(/^Value of/).fill('small')
    await store(page)
    await says(page, 'Stored')
  },
  async tabs(page, { url, value }) {
    const second = await page.context().newPage()
    await second.goto(url)
    await page.getByLabel(/^Value of/).fill(value)
    await second.getByLabel(/^Value of/).fill('late')
    await store(page)
    await says(page, 'Stored')
    await store(second)
    await says(second, 'This page was used')
  },
  async decline(page, { value }) {
    await page.getByLabel(/^Value of/).fill(value)
    const sent = page.waitForRequest((r) => r.method() === 'POST')
    await page.getByRole('button', { name: 'Decline' }).click()
    if (((await sent).postData() || '').includes(value)) throw new Error('what was typed goes along')
    await page.waitForLoadState()
    await says(page, 'Declined')
    await page.goBack()
    await says(page, 'This page was used')
  },
  async nothing(page) {
    await store(page)
    if (!/No value was entered/.test(await page.innerText('[role=alert]'))) throw new Error('no problem is shown')
    if (!(await page.title()).startsWith('Problem')) throw new Error('the title says no problem')
  },
  // Another site, which knows the address even, sends the form.
  async foreign(page, { url, elsewhere }) {
    for (const how of ['form', 'fetch', 'sandbox']) {
      await page.goto(`${elsewhere}/${how}?to=${encodeURIComponent(url)}`)
      await page.getByRole('button').click()
      await page.waitForTimeout(300)
    }
    await page.goto(url)
    await says(page, 'Enter a value')
  },
  async framed(page, { url, elsewhere, complaints }) {
    await page.goto(`${elsewhere}/frame?to=${encodeURIComponent(url)}`)
    await page.waitForTimeout(300)
    if (!complaints.some((c) => c.includes('frame-ancestors'))) throw new Error(`the browser lets it be framed: ${complaints}`)
  },
  // A name of another site that leads to this machine.
  async rebound(page, { url }) {
    const answer = await page.goto(url.replace('127.0.0.1', 'akos.test'))
    if (answer.status() !== 421 || (await page.content()).includes('<form')) throw new Error(`status ${answer.status()}`)
  },
}

;(async () => {
  const browser = await chromium.launch({ executablePath: job.chromium, args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP akos.test 127.0.0.1',
  ] })
  for (const scene of job.scenes) {
    const context = await browser.newContext()
    const page = await context.newPage()
    page.setDefaultTimeout(20_000)
    scene.complaints = []
    scene.shot = job.shots
    page.on('console', (m) => scene.complaints.push(m.text()))
    try {
      await page.goto(scene.url)
      await scenes[scene.play](page, scene)
      if ((await context.cookies()).length > 0) throw new Error('a cookie is set')
    } catch (e) {
      console.log(`${scene.play}: ${e.message.split('\n')[0].slice(0, 300)}`)
    }
    await context.close()
  }
  console.error(`${browser.version()}: ${job.scenes.length} scenes`)
  await browser.close()
})().catch((e) => console.log(`driver: ${e.stack}`))
