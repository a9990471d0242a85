/** The visitor's choice of a transport, which the address keeps: `#websocket`, or nothing for Server-Sent Events. */
import { byId } from './elements.js'

/** @typedef {import('./stream.js').Transport} Transport */

/** @returns {Transport} */
const ofAddress = () => (location.hash === '#websocket' ? 'websocket' : 'sse')

/** Calls back with the choice, now and whenever it changes. @param {(transport: Transport) => void} onChoice */
export function followChoice(onChoice) {
  const radios = [...byId('transport').querySelectorAll('input')]
  const choose = () => {
    for (const radio of radios) radio.checked = radio.value === ofAddress()
    onChoice(ofAddress())
  }
  for (const radio of radios) {
    radio.addEventListener('change', () => {
      const address = `${location.pathname}${location.search}${radio.value === 'websocket' ? '#websocket' : ''}`
      history.replaceState(null, '', address)
      choose()
    })
  }
  addEventListener('hashchange', choose)
  choose()
}
