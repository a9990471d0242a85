/** The part of `/docs` in which a reader watches and publishes. */
import type { Limits } from '@watchpost/protocol'
import type { Html } from './html.ts'

const WAYS = [
  ['sse', 'SSE', 'a stream'],
  ['websocket', 'WebSocket', 'both ways'],
  ['long-poll', 'Long poll', 'waits for news'],
  ['page', 'Page', 'what is there'],
  ['state', 'State', 'the latest of each key'],
] as const

/** How long the polls of the form wait, if the limits allow it. */
const WAIT_SECONDS = 20

const field = (name: string, label: string, hint: string, attributes = ''): Html =>
  `<div><label for="try-${name}">${label} <small>${hint}</small></label>
<input id="try-${name}" name="${name}" autocomplete="off" autocapitalize="off" spellcheck="false" ${attributes}></div>`

const ways = WAYS.map(([value, label, hint], i) => {
  const checked = i === 0 ? ' checked' : ''
  return `<label class="way"><input type="radio" name="way" value="${value}"${checked}> ${label} <small>${hint}</small></label>`
}).join('\n')

const credentials = (asksWho: boolean): Html => `<details id="who"${asksWho ? ' open' : ''}>
<summary>Credentials <small>${asksWho ? 'with them you may see more' : 'this server asks for none'}</small></summary>
<form id="credentials">
<label for="token">Token or API key <small>kept in this page only, and sent with all that it asks for</small></label>
<div class="row"><input id="token" type="password" autocomplete="off"><button>Use it</button></div>
<p id="credentials-status" role="status"></p>
<div id="credentials-error" class="error" role="alert" hidden></div>
</form></details>`

/** Its forms work by script, and are not there without. */
export const tryIt = (limits: Limits, asksWho: boolean): Html => `<section id="try" aria-labelledby="try-title">
<h2 id="try-title">Try it</h2>
<noscript><p>Watching from this page needs JavaScript; <code>curl -N</code> with the path of a topic does without.</p></noscript>
<div id="try-forms" hidden>
${credentials(asksWho)}
<form id="watch" data-wait-seconds="${Math.min(WAIT_SECONDS, limits.waitSecondsMax)}">
${field('topic', 'Topic', 'or a filter such as <code>chat/*</code>', 'list="try-topics" required')}
<datalist id="try-topics"></datalist>
<fieldset><legend>Watch by</legend>${ways}</fieldset>
<details><summary>From where, and what of it</summary>
<div class="fields">
${field('after', 'From', 'a cursor, <code>earliest</code> or <code>latest</code>')}
${field('last', 'Last', 'start with so many', 'inputmode="numeric"')}
${field('key', 'Keys', 'with commas between')}
${field('type', 'Types', 'with commas between')}
${field('select', 'Select', 'pointers such as <code>/price</code>')}
</div></details>
<div class="command"><pre tabindex="0" aria-label="The same from elsewhere"><code id="watch-command"></code></pre>
<button id="watch-copy" type="button" class="quiet">Copy</button></div>
<p class="row"><button id="watch-start">Watch</button> <button id="watch-stop" type="button" disabled>Stop</button>
<button id="watch-on" type="button" class="quiet" disabled>Go on from the last cursor</button>
<span id="watch-status" role="status"></span> <span id="watch-count"></span></p>
<p id="watch-stale" role="status" hidden></p>
</form>
<div id="watch-error" class="error" role="alert" hidden></div>
<div id="watch-messages" class="log" role="log" tabindex="0" aria-label="What came, the newest first"></div>
<p id="watch-empty" class="faint" hidden></p>
<form id="publish">
<label for="publish-body">Publish to it <small>an event, or an array of events</small></label>
<textarea id="publish-body" rows="3" spellcheck="false" required></textarea>
<p class="row"><button>Publish</button> <span id="publish-status" role="status"></span></p>
<div id="publish-error" class="error" role="alert" hidden></div>
</form>
</div></section>`
