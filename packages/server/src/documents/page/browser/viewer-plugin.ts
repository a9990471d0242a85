/** Makes of Swagger UI a part of the page: one operation, without a frame, in the words and forms of the rest. */
import { basePath } from './api.ts'
import { folded, make } from './dom.ts'
import { phrase, prose } from './prose.ts'
import { isObject, schemaRows, textIn } from './schema.ts'

/** What can become plain: the viewer keeps what it was given in collections of its own. */
interface Kept {
  toJS(): unknown
}

/** What a component is given. */
interface Props {
  readonly children?: unknown
  readonly source?: string
  readonly code?: string
  readonly response?: Kept
  readonly headers?: Kept
  readonly example?: unknown
  readonly schema?: Kept
  readonly getComponent?: (name: string, isContainer: boolean) => unknown
}

type Component = (props: Props) => unknown

interface System {
  readonly React: {
    readonly createElement: (
      type: unknown,
      props: Readonly<Record<string, unknown>>,
      ...children: readonly unknown[]
    ) => unknown
  }
}

/** The name of the layout: operations, and nothing around them. */
export const LAYOUT = 'OneOperation'

/** Which would show what the page has in another place, or forms that send nothing. */
const LEFT_OUT = [
  ...['OperationSummary', 'authorizeBtn', 'authorizeOperationBtn', 'auths', 'TryItOutButton', 'execute', 'clear'],
  ...['JsonSchemaForm', 'CopyToClipboardBtn', 'OperationExt', 'onlineValidatorBadge'],
]

/** Text of the document, and the viewer's own words, which come with markup. */
const wordsOf = (text: string): DocumentFragment => prose(text.replace(/^<i>(.*)<\/i>\s*:\s*(.*)$/s, '$1: `$2`'))

/** The problems of a response, of which each begins a line: their names lead to their pages. */
function problemsOf(description: string): DocumentFragment {
  const words = prose(description)
  for (const code of words.querySelectorAll('code')) {
    const before = code.previousSibling?.textContent ?? ''
    const after = code.nextSibling?.textContent ?? ''
    if (!after.startsWith(':') || !(before === '' || before.endsWith('\n'))) continue
    code.replaceWith(make('a', { href: `${basePath}/problems/${code.textContent ?? ''}` }, code.cloneNode(true)))
  }
  return words
}

function headerRows(headers: unknown): readonly Node[] {
  const rows = Object.entries(isObject(headers) ? headers : {}).map(([name, header]) => {
    return make('li', {}, make('code', { class: 'member' }, name), ' ', ...phrase(textIn(header, 'description')))
  })
  return rows.length === 0 ? [] : [folded(['Headers'], () => [make('ul', { class: 'schema' }, ...rows)])]
}

/** The plugin. References in schemas lead into `whole`. */
export const calm =
  (whole: unknown) =>
  ({ React: { createElement: h } }: System): object => {
    const own = (className: string, fill: () => readonly Node[]): unknown => {
      // React calls it anew for each rendering, and what the reader has opened is to stay open.
      const ref = (element: HTMLElement | null): void => {
        if (element !== null && !element.hasChildNodes()) element.append(...fill())
      }
      return h('div', { className, ref })
    }
    const words: Component = ({ source }) => (source ? own('words', () => [wordsOf(source)]) : null)
    const pre: Component = ({ children }) => h('pre', { tabIndex: 0 }, h('code', {}, children))
    const schemaOf = (schema: Kept | undefined): unknown =>
      // Another media type has another schema: the key has it made anew.
      h(
        'div',
        { key: JSON.stringify(schema) },
        own('more', () => [folded(['Schema'], () => schemaRows(schema?.toJS(), whole))]),
      )
    const problem = (code: string, response: Kept | undefined): unknown =>
      h(
        'tr',
        { className: 'response' },
        h('td', { className: 'response-col_status' }, code),
        h(
          'td',
          {},
          own('words', () => [problemsOf(textIn(response?.toJS(), 'description'))]),
        ),
      )
    return {
      components: {
        ...Object.fromEntries(LEFT_OUT.map((name) => [name, () => null])),
        [LAYOUT]: (({ getComponent }) => h(getComponent?.('operations', true), {})) satisfies Component,
        ...{ Markdown: words, HighlightCode: pre },
        headers: (({ headers }) => own('more', () => headerRows(headers?.toJS()))) satisfies Component,
        modelExample: (({ example, schema }) => h('div', {}, example, schemaOf(schema))) satisfies Component,
      },
      wrapComponents: {
        OperationTag:
          (): Component =>
          ({ children }) =>
            h('div', {}, children),
        // What is wrong is told on the page of the problem, with an example.
        response:
          (shown: unknown): Component =>
          (props) =>
            Number(props.code) >= 400 ? problem(props.code ?? '', props.response) : h(shown, { ...props }),
      },
    }
  }
