/** The page at `/docs`. What comes from the documents and the server, its scripts put into it. */
import type { Limits } from '@watchpost/protocol'
import { limitsTable, problemsTable } from './catalogue.ts'
import { type Html, htmlOf, type Page, text } from './html.ts'
import { tryIt } from './try-it.ts'

/** What the page depends on beside its address. */
export interface DocsPage extends Pick<Page, 'basePath' | 'assets'> {
  /** Those in force. */
  readonly limits: Limits
  /** Whether the server looks at credentials. */
  readonly asksWho: boolean
  /** The names of the scripts, `main.js` among them. */
  readonly scripts: readonly string[]
}

const SECTIONS = [
  ['try', 'Try it'],
  ['topics', 'Topics'],
  ['messages', 'Messages'],
  ['http', 'HTTP'],
  ['problems', 'Problems'],
  ['limits', 'Limits'],
] as const

/** The way around the page. The list of topics is opened by the script where there is room for it. */
const side = (): Html => `<aside id="side">
<nav aria-label="Sections"><ul>
${SECTIONS.map(([id, title]) => `<li><a href="#${id}">${title}</a></li>`).join('\n')}
</ul></nav>
<details id="side-topics" hidden><summary>Topics <span id="side-count" class="faint"></span></summary>
<label class="unseen" for="side-filter">Filter the topics</label>
<input id="side-filter" type="search" placeholder="Filter" autocomplete="off" spellcheck="false">
<nav aria-label="Topics"><ul id="side-list"></ul></nav>
</details>
</aside>
`

const section = (id: string, title: string, content: Html): Html =>
  `<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>\n${content}</section>`

/** A section that the script fills. */
const filled = (id: string, title: string, words: Html): Html =>
  section(
    id,
    title,
    `<p>${words}</p>
<div id="${id}-reference" class="reference" aria-busy="true"><noscript><p>This part needs JavaScript.</p></noscript></div>`,
  )

function documentLinks(name: string, basePath: string): Html {
  const [json, yaml] = ['json', 'yaml'].map((form) => `${text(basePath)}/${name}.${form}`)
  return `<a href="${json}"><code>/${name}.json</code></a> (or <a href="${yaml}">YAML</a>)`
}

/** The whole page. */
export function docsPage({ basePath, assets, limits, asksWho, scripts }: DocsPage): Html {
  const openapi = documentLinks('openapi', basePath)
  const asyncapi = documentLinks('asyncapi', basePath)
  const main = `<header id="intro"><h1 id="title">API reference</h1>
<div id="about"><p>What this server offers to watch, from the documents that it makes of itself: OpenAPI at ${openapi} and AsyncAPI at ${asyncapi}.</p></div></header>
${tryIt(limits, asksWho)}
${filled('topics', 'Topics', 'What you may watch or publish to, with the events of each.')}
${filled('messages', 'Messages', `What streams and WebSockets carry beside the events of a topic. From ${asyncapi}.`)}
${filled('http', 'HTTP', `What is not about one topic: those of a topic are with it. From ${openapi}.`)}
${section('problems', 'Problems', `<p>Each error has one of these types, by HTTP as well as on a live connection.</p>\n${problemsTable(basePath)}`)}
${section('limits', 'Limits', limitsTable(limits, basePath))}`
  return htmlOf({
    ...{ title: 'Watchpost: reference', basePath, assets, main },
    ...{ side: side(), styles: ['reference.css', 'try.css', 'viewer.css'] },
    ...{ scripts: ['main.js', ...scripts.filter((name) => name !== 'main.js')] },
  })
}
