// Plays the person of a login at `akos serve` in a real browser: opens the
// page, signs in, enters the code, looks at what is asked, and approves.
//
//   PASSWORD=… node person.cjs ADDRESS CODE USER [SCREENSHOT]
const { chromium } = require('playwright-core')

const [address, code, user, screenshot] = process.argv.slice(2)

async function main() {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
  const page = await browser.newPage()
  page.setDefaultTimeout(20_000)
  try {
    await page.goto(address)
    await page.getByLabel('Name').fill(user)
    await page.getByLabel('Password').fill(process.env.PASSWORD)
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/device/)
    await page.getByLabel(/code/i).fill(code)
    await page.keyboard.press('Enter')
    const approve = page.getByRole('button', { name: 'Approve', exact: true })
    await approve.waitFor()
    const asked = (await page.innerText('main')).replace(/\s+/g, ' ')
    if (!asked.includes(code)) throw new Error('the page does not show the code')
    if (screenshot) await page.screenshot({ path: screenshot })
    await approve.click()
    await page.getByRole('heading', { name: 'Approved' }).waitFor()
  } catch (error) {
    console.error(`${error.message}\non ${page.url()}:\n${await page.innerText('body').catch(() => '')}`)
    process.exitCode = 1
  }
  await browser.close()
}

main()
