/** What is to be seen at a glance, whatever the colour: each meaning of an answer, and that nothing can be sold. */
export type Pictogram = 'approved' | 'declined' | 'balance' | 'notice' | 'message'

/** A closed line of points on a square of 100 by 100, filled. */
export type Shape = { colour: 'ink' | 'background'; points: readonly (readonly [number, number])[] }

const circle: Shape = {
  colour: 'ink',
  points: Array.from({ length: 60 }, (_, index) => {
    const angle = (index * Math.PI) / 30
    return [50 + 48 * Math.cos(angle), 50 + 48 * Math.sin(angle)] as const
  }),
}

function rectangle(colour: Shape['colour'], left: number, top: number, right: number, bottom: number): Shape {
  return {
    colour,
    points: [
      [left, top],
      [right, top],
      [right, bottom],
      [left, bottom],
    ],
  }
}

/**
 * The pictograms as shapes, each drawn over the one before: a tick in a circle, a cross in a square on its corner, a
 * card, an i in a square, and a triangle of warning. Their outlines differ as well as their insides.
 */
export const pictograms: Readonly<Record<Pictogram, readonly Shape[]>> = {
  approved: [
    circle,
    {
      colour: 'background',
      points: [
        [22, 52],
        [32, 42],
        [45, 55],
        [69, 28],
        [79, 38],
        [45, 75],
      ],
    },
  ],
  declined: [
    {
      colour: 'ink',
      points: [
        [50, 1],
        [99, 50],
        [50, 99],
        [1, 50],
      ],
    },
    {
      colour: 'background',
      points: [
        [31, 39],
        [39, 31],
        [50, 42],
        [61, 31],
        [69, 39],
        [58, 50],
        [69, 61],
        [61, 69],
        [50, 58],
        [39, 69],
        [31, 61],
        [42, 50],
      ],
    },
  ],
  balance: [
    rectangle('ink', 2, 18, 98, 82),
    rectangle('background', 2, 32, 98, 46),
    rectangle('background', 12, 62, 42, 70),
  ],
  notice: [
    rectangle('ink', 8, 8, 92, 92),
    rectangle('background', 44, 22, 56, 34),
    rectangle('background', 44, 42, 56, 78),
  ],
  message: [
    {
      colour: 'ink',
      points: [
        [50, 4],
        [99, 94],
        [1, 94],
      ],
    },
    rectangle('background', 45, 36, 55, 68),
    rectangle('background', 45, 74, 55, 84),
  ],
}
