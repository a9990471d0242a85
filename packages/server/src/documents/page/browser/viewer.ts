/** Shows one operation with Swagger UI, which comes with the package, and is loaded when it is needed. */
import { make } from './dom.ts'
import { showCaught } from './failures.ts'
import { withOneOperation } from './subset.ts'
import { calm, LAYOUT } from './viewer-plugin.ts'

interface SwaggerUi {
  (options: Readonly<Record<string, unknown>>): unknown
}

let loading: Promise<SwaggerUi> | undefined

/** Loads it from beside this script. */
function load(): Promise<SwaggerUi> {
  // A part of it would scroll for all links within the page in a way of its own, which leaves the focus behind.
  Object.assign(window, { noZensmooth: true })
  return new Promise((resolve, reject) => {
    const script = make('script', { src: new URL('swagger-ui.js', import.meta.url).href })
    script.addEventListener('load', () =>
      resolve((window as unknown as { SwaggerUIBundle: SwaggerUi }).SwaggerUIBundle),
    )
    script.addEventListener('error', () => reject(new Error('The viewer could not be loaded.')))
    document.head.append(script)
  })
}

/** Shows an operation of a document in an element. It is tried in our own form, which can stream. */
export async function showOperation(
  whole: Readonly<Record<string, unknown>>,
  path: string,
  method: string,
  into: HTMLElement,
): Promise<void> {
  into.setAttribute('aria-busy', 'true')
  into.replaceChildren(make('p', { class: 'faint' }, 'Loading'))
  try {
    loading ??= load()
    const swaggerUi = await loading
    const within = make('div')
    into.replaceChildren(within)
    swaggerUi({
      ...{ spec: withOneOperation(whole, path, method), domNode: within, layout: LAYOUT, plugins: [calm(whole)] },
      ...{ docExpansion: 'full', supportedSubmitMethods: [], validatorUrl: 'none', syntaxHighlight: false },
    })
  } catch (error) {
    loading = undefined
    const failure = make('div', { class: 'error', role: 'alert' })
    into.replaceChildren(failure)
    showCaught(failure, error)
  }
  into.setAttribute('aria-busy', 'false')
}
