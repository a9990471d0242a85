/** The problems [WP-5.1] and limits [WP-8.1] as markup, from the tables that the server itself works by. */
import {
  LIMITS,
  type LimitRow,
  type Limits,
  PROBLEMS,
  ProblemError,
  type ProblemMembers,
  type ProblemName,
  type ProblemRow,
  problemDocument,
  problemType,
} from '@watchpost/protocol'
import { type Html, prose, text } from './html.ts'

const table = (head: readonly string[], rows: readonly (readonly Html[])[]): Html => {
  const cells = (row: readonly Html[]): Html => {
    const [first = '', ...rest] = row
    // Each cell names its column for screens that are too narrow for a table.
    const named = rest.map((cell, i) => `<td data-head="${text(head[i + 1] ?? '')}">${cell}</td>`)
    return `<tr><th scope="row">${first}</th>${named.join('')}</tr>`
  }
  const heads = head.map((name) => `<th scope="col">${text(name)}</th>`).join('')
  return `<table><thead><tr>${heads}</tr></thead><tbody>${rows.map(cells).join('\n')}</tbody></table>`
}

const link = (basePath: string, name: string): Html =>
  `<a href="${text(basePath)}${problemType(name as ProblemName)}"><code>${name}</code></a>`

/** Every problem in a row. */
export function problemsTable(basePath: string): Html {
  const rows = Object.entries(PROBLEMS).map(([name, { status, close, retry, when, fix }]) => {
    return [link(basePath, name), String(status), String(close ?? ''), text(retry), `${prose(when)}<br>${prose(fix)}`]
  })
  return table(['Problem', 'HTTP', 'WebSocket close', 'Retry?', 'When, and what to do'], rows)
}

/** Every limit in a row, with the value that is in force, and the default beside those that differ from it. */
export function limitsTable(limits: Limits, basePath: string): Html {
  const rows = Object.entries(LIMITS).map(([name, row]) => {
    const inForce = limits[name as keyof Limits]
    const changed = inForce === row.default ? '' : ` <small>by default ${numeral(row.default)}</small>`
    const over = row.over in OTHERWISE ? text(OTHERWISE[row.over as Otherwise]) : link(basePath, row.over)
    return [`<code>${name}</code>`, `${numeral(inForce)}${changed}`, over, prose(row.why)]
  })
  return table(['Limit', 'Value', 'Past it', 'What it bounds, and why'], rows)
}

const numeral = (value: number): string => value.toLocaleString('en-US')

type Otherwise = Exclude<LimitRow['over'], ProblemName>

/** What becomes of what no problem is told for. */
const OTHERWISE: Readonly<Record<Otherwise, string>> = {
  disconnected: 'the connection is ended',
  gone: 'the member is told to have gone',
  missed: 'the oldest are missed by those who have not been sent them',
  'read from the log': 'events wait in the log instead',
  split: 'the rest comes with the next page',
  'told later': 'it is told a little later',
}

const RETRY: Readonly<Record<ProblemRow['retry'], string>> = {
  no: 'Not as it is: the same request meets the same problem.',
  later: 'The same request can succeed after a while; after `Retry-After` seconds if the answer has that.',
  elsewhere: 'Connect again with the last cursor, perhaps to another server of the same log.',
  'from earliest': 'With the cursor of `earliest` in place of the one that was sent.',
  'with a new token': 'The same request can succeed with credentials that have not ended.',
}

/** One problem, for its own page. */
export function problemDetails(name: ProblemName, row: ProblemRow): Html {
  const close = row.close === undefined ? '' : `<dt>WebSocket close code</dt><dd>${row.close}</dd>`
  return `<dl><dt>Type</dt><dd><code>${problemType(name)}</code></dd>
<dt>HTTP status</dt><dd>${row.status}</dd>${close}
<dt>When</dt><dd>${prose(row.when)}</dd><dt>What to do</dt><dd>${prose(row.fix)}</dd>
<dt>Retry?</dt><dd>${prose(RETRY[row.retry])}</dd></dl>
<h2>An example</h2>
<pre tabindex="0"><code>${text(JSON.stringify(exampleOf(name), null, 2))}</code></pre>`
}

/** What some problems tell beside what all do. */
const MEMBERS: Partial<Record<ProblemName, ProblemMembers>> = {
  'invalid-event': { errors: [{ event: 0, path: '/data/price', message: 'must be a number' }] },
  'cursor-expired': { earliest: 'k7f2x.0-998', state: '/v1/state/stocks' },
  'transport-not-offered': { transports: ['page', 'long-poll'] },
  'unsupported-version': { versions: ['v1'] },
  'rate-limited': { retryAfter: 1 },
  'going-away': { retryAfter: 5 },
}

/** As a server answers with it. */
const exampleOf = (name: ProblemName): object => {
  const error = new ProblemError(name, PROBLEMS[name].when, MEMBERS[name])
  return problemDocument(error, 'urn:uuid:0b0d4f0e-8f5c-4c53-9f0c-3c7a6f6f2a51')
}
