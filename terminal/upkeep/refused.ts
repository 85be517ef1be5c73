/** The operator has to do something first; the message says what. */
export class Refused extends Error {}
