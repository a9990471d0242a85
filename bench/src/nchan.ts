/** Looks for nginx with the module nchan, which is no package of npm. On Debian: `apt-get install nginx libnginx-mod-nchan`. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

export interface Nchan {
  /** The program. */
  readonly nginx: string
  /** The path of the module. */
  readonly module: string
}

/** Answers `undefined` where there is none. */
export function findNchan(): Nchan | undefined {
  for (const nginx of ['nginx', '/usr/sbin/nginx']) {
    // nginx tells how it was built on its standard error.
    const folder = /--modules-path=(\S+)/.exec(spawnSync(nginx, ['-V'], { encoding: 'utf8' }).stderr ?? '')?.[1]
    const module = `${folder}/ngx_nchan_module.so`
    if (existsSync(module)) return { nginx, module }
  }
  return undefined
}
