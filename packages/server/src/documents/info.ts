/** What a document says of the API as a whole: by the configuration, else of Watchpost. */
import type { InfoOptions } from '../config/config.ts'
import type { Documented } from './documented.ts'

/**
 * The member `info`, which OpenAPI and AsyncAPI have alike but for one: AsyncAPI knows licences by URL only.
 * @param description what is said if the configuration says nothing
 */
export function infoOf(
  { info = {}, version }: Documented,
  description: string,
): Required<Pick<InfoOptions, 'title' | 'version' | 'description'>> & Pick<InfoOptions, 'contact' | 'license'> {
  const { contact, license } = info
  return {
    title: info.title ?? 'Watchpost',
    version: info.version ?? version,
    description: info.description ?? description,
    ...(contact && Object.keys(contact).length > 0 && { contact }),
    ...(license && { license }),
  }
}
