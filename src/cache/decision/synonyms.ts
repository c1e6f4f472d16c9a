/**
 * Words that questions use for one another, in groups, written by hand. A group only says that exchanging its words
 * need not make another question: the score decides. Words of several meanings stand where questions mostly use
 * them, or nowhere.
 */
import { stem } from '../hit-policy/text/words.ts';

const groups = `
  best good great top nice excellent
  bad terrible awful
  very so most extremely really
  make create build develop
  begin start
  stop quit
  get obtain acquire receive
  got received
  buy purchase
  choose pick select
  fix repair
  improve enhance
  reduce lower decrease
  remove erase
  modify edit alter change
  update edit
  locate find
  know understand
  think believe
  learn study
  require need
  allow permit
  allowed permitted
  seem appear look
  happen occur
  explain describe
  use utilize
  function use purpose
  benefit advantage use
  benefits advantages
  drawback disadvantage
  drawbacks disadvantages
  difference distinction
  reason cause
  way method
  tip advice
  kind type sort
  idea view opinion
  fact truth
  issue problem
  error mistake
  job occupation employment
  company firm
  movie film
  book novel
  phone mobile cell cellphone
  car automobile
  picture pic photo image
  website site
  app application
  software program
  kid child
  kids children
  mother mom
  father dad
  woman lady
  women ladies
  man guy
  men guys
  people humans
  person human
  doctor physician
  medicine medication
  illness disease
  fast quick quickly rapid rapidly
  often frequently
  big large huge
  small little tiny
  hard difficult tough
  easy simple
  important significant
  beautiful pretty
  weird strange odd unusual
  funny hilarious
  famous popular
  smart intelligent clever
  rich wealthy
  happy glad
  near nearby close
  country nation
  ocean sea
  trip journey
  visit travel
  house home
  shop store
  cost price
  cheap affordable inexpensive
  expensive costly
  verify validate
  check validation verification
  identity id
  email mail
  seen watched
  see watch
  speak talk
  tell inform
  try attempt
  help assist
  finish complete
  end finish
  be become
  in on at within
  to toward towards
  with using by
  for to
  i we one someone people
  can could
  will would
`;

const groupsOf = new Map<string, number[]>();
for (const [id, line] of groups.trim().split('\n').entries()) {
  for (const word of new Set(line.trim().split(/\s+/).map(stem))) {
    const found = groupsOf.get(word);
    if (found === undefined) groupsOf.set(word, [id]);
    else found.push(id);
  }
}

/** Whether two different stems are used for one another. Symmetric, not transitive. */
export function areSynonyms(a: string, b: string): boolean {
  const left = groupsOf.get(a);
  return left !== undefined && (groupsOf.get(b)?.some((id) => left.includes(id)) ?? false);
}
