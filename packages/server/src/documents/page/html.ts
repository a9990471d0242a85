/** The frame of all HTML pages, and how text becomes part of one. */
import type { Headers } from '../../http/exchange.ts'
import { version } from '../../version.ts'

/** Markup that is safe to put into a page; anything else goes through {@link text} or {@link prose} first. */
export type Html = string

export interface Page {
  readonly title: string
  /** Where the routes are mounted. */
  readonly basePath: string
  /** The version of the assets. */
  readonly assets: string
  readonly main: Html
  /** What the header offers beside the name. */
  readonly nav?: Html
  /** What stands beside the content where there is room, and before it where there is none. */
  readonly side?: Html
  /** Styles beside that of all pages, by the names of assets. */
  readonly styles?: readonly string[]
  /** Scripts, by the names of assets: the first one runs, and loads the others, which are fetched meanwhile. */
  readonly scripts?: readonly string[]
}

const POLICY = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ')

/** Everything comes from this server, and nothing that is only text could ever run. */
export const PAGE_HEADERS: Headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** Text as markup. */
export const text = (plain: string): Html =>
  plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** Text in which backticks mark code, as markup. */
export const prose = (plain: string): Html => text(plain).replaceAll(/`([^`]+)`/g, '<code>$1</code>')

const assetUrl = ({ basePath, assets }: Pick<Page, 'basePath' | 'assets'>, name: string): string =>
  `${basePath}/docs/${assets}/${name}`

/** A whole page. */
export function htmlOf(page: Page): Html {
  const { title, basePath, main, nav = '', side = '', styles = [], scripts = [] } = page
  const asset = (name: string): Html => text(assetUrl(page, name))
  const [script, ...imported] = scripts
  const preloads = imported.map((name) => `<link rel="modulepreload" href="${asset(name)}">\n`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(title)}</title>
<link rel="icon" href="${asset('icon.svg')}">
${['style.css', ...styles].map((name) => `<link rel="stylesheet" href="${asset(name)}">\n`).join('')}${script === undefined ? '' : `<script type="module" src="${asset(script)}"></script>\n`}${preloads.join('')}<body data-base-path="${text(basePath)}">
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><a class="name" href="${text(basePath)}/docs"><img src="${asset('icon.svg')}" alt="" width="20" height="20">Watchpost</a>
<span class="version">${text(version)}</span>${nav}</header>
${side}<main id="main" tabindex="-1">
${main}
</main>
</html>
`
}
