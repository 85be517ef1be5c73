#!/usr/bin/env node
import { launch } from './launch.mjs'

await launch('klubkort-terminal', '../main.ts')
