/**
 * Documents in the making. One of many topics takes longer than everything else may wait, so its members are made one by
 * one, as they are written, and whoever writes them can pause in between.
 */

/** A member; or `undefined` where there is none yet, so that whoever asks may pause. */
export type Member = readonly [name: string, value: unknown]

/** Makes the members of an object in their order. */
export type Making = Generator<Member | undefined, void, undefined>

/** Work that pauses now and then, and has a result in the end. */
export type Steps<Result = void> = Generator<undefined, Result, undefined>

/** Stands for an object, in the place of the value of a member. It can be read once. */
export class Members {
  readonly making: Making

  constructor(making: Making) {
    this.making = making
  }
}

/** The members of an object that is there already. */
export function* membersOf(object: Readonly<Record<string, unknown>>): Making {
  for (const member of Object.entries(object)) yield member
}

/** The whole object, at once. */
export function whole(making: Making): Readonly<Record<string, unknown>> {
  const members: Member[] = []
  for (const member of making) {
    if (member === undefined) continue
    const [name, value] = member
    members.push([name, value instanceof Members ? whole(value.making) : value])
  }
  return Object.fromEntries(members)
}
