import { EXIT_CODES } from './desk.ts'

/** Subjects that several commands share, as `klubkort help SUBJECT` tells them, in lines of at most 80 columns. */
export const TOPICS: Readonly<Record<string, string>> = {
  roster: `The roster is the municipality's own list of the children in its clubs and
canteens, as a CSV file with one line for each child and a line of headings:

  barn         the child's name
  fødselsdag   2015-06-07, 07-06-2015 or 07.06.2015
  skole        its school; may be empty
  klub         the name of a site, as klubkort site list has it; may be empty
  værge1_cpr   a guardian's CPR number; may be empty. Up to værge4_cpr
  barn_cpr     the child's own; may be left out

The columns stand in any order, and may have English names (roster import
--help). Semicolons, commas or tabs part the cells; the file is UTF-8 or
Windows-1252, as a spreadsheet saves it. What is wrong is told by line, column
and reason.

Before anything is changed, the plan is shown: who is new, who changed, and who
leaves because the file no longer has them. A roster is applied whole or not at
all, and the same file again changes nothing. A child who is in a club and has
no card gets one ordered. CPR numbers are turned into keyed hashes on arrival;
they are never stored, shown or logged, and not repeated in what is said to be
wrong.`,

  money: `A balance is the sum of an account's movements; klubkort account show lists
them, each with the balance after it. Nothing is ever changed or taken out of
the book: what was wrong is put right by a movement of its own.

  in    deposits, automatic top-ups, credits by staff, refunded sales
  out   sales, the fee for a new card, payouts

A sale that a till made without a network is booked when it arrives, and may
bring a balance below zero; klubkort review list shows what needs a decision.

A payout first goes back to the cards that paid in the last days (klubkort
settings show says how many), and the rest to the parent's bank account. It
takes two people: one approves it (payout approve), another makes the file for
the bank (payout export). payout import-status takes in what the bank answered;
what it could not pay is back on the account.

klubkort report liabilities says what is owed to families and what is held for
it, report clearing compares the book with Stripe's, and ledger check proves
that the book adds up. Amounts are kroner: 45, 45,50 or 45.50.`,

  cards: `The life of a card:

  ordered      by a parent, who has paid for it, or for a new child, free
  produced     the producer has made it, and its number is known
  sent         it is on its way; or
  handed out   it was given to the child in the club
  active       it pays
  blocked      by a parent or by staff; activated again by either
  closed       for good: another card has taken its place, or the child has left

klubkort order list shows what is under way, and card show on how many
terminals a block has arrived. A card is a number and holds no money: a lost one
is blocked, and a new one pays from the same account. The number itself (UID) is
hashed on arrival and stored nowhere.

A child who leaves (child leave) has all cards blocked; the money stays on the
account until the parents have it paid out. What has happened to a card, by whom
and when, is its card history.`,

  privacy: `A parent sees only the children whom staff or the roster have linked to their
CPR number. The number is kept as a keyed hash, and is never shown or logged.

Every look at a child by staff or by a guardian is recorded: access list --child
says who looked, and the portal shows the parents. What staff change is in audit
list. Somebody with the role club sees the children
and the things of their own sites, and nothing else.

klubkort child export writes everything that is stored about one child, for
whoever has the right to have it. child erase takes out what nobody may keep any
more; what the bookkeeping law asks for stays without a name until its date, and
then goes by itself.

A token of yours is yours alone. Keep it in klubkort login and nowhere else;
klubkort staff revoke ends one at once. Files that a command writes may name
children and bank accounts: delete them when they have done their work.`,

  'exit-codes': `What a command ends with, for scripts to rely on:

  0  ${EXIT_CODES[0]}
  1  ${EXIT_CODES[1]}: what was asked for cannot be, or is not yours to do;
     also a ledger check that finds something
  2  ${EXIT_CODES[2]}: the line does not parse, something is
     missing, or whoever was asked did not want it. Nothing was done
  3  ${EXIT_CODES[3]}: no answer came. Where a change may have been made
     all the same, the line that repeats it safely is printed
  4  ${EXIT_CODES[4]}: there is no login, or it cannot be kept. Use klubkort login

With --json the answer is one JSON value on standard output, and an error is one
line on standard error, like {"error":{"code":"not_found","message":"..."}}. The
codes do not change; the messages may.

Where something is missing, you are asked for it, if you sit at a terminal. In a
pipe, with --json, or with CI set, it is wrong usage instead.`,

  offline: `A till without a network goes on selling, within limits that it got with its
last card list, so that nobody goes hungry and little can be lost:

  how old the card list may be, and how many sales may wait to be sent
  how much one sale may cost, and how much one card may spend
  less of both for a card that shows no token against copies

A card that was blocked pays until the till has heard of it; klubkort card show
says how many have. What was sold is stored on the till first, and booked as
soon as it is sent, even where the balance no longer has it.

klubkort settings set --sale-max ... changes a limit for the municipality, and
site limits for one site. klubkort terminal list shows when each had its card
list, and terminal risk what could be lost at worst.`,
}
