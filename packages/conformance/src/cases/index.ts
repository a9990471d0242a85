/** All cases, for every driver. */
import type { Case } from '../case.ts'
import { cursorCases } from './cursors.ts'
import { dataCases } from './data.ts'
import { ephemeralCases } from './ephemeral.ts'
import { gapCases } from './gaps.ts'
import { keyedCases } from './keyed.ts'
import { presenceCases } from './presence.ts'
import { refusalCases } from './refusals.ts'
import { startCases } from './starts.ts'
import { topicCases } from './topics.ts'
import { viewCases } from './views.ts'

export const cases: readonly Case[] = [
  ...[...startCases, ...viewCases, ...topicCases, ...dataCases],
  ...[...keyedCases, ...cursorCases, ...gapCases, ...refusalCases],
  ...[...ephemeralCases, ...presenceCases],
]
