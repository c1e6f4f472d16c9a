/** Pairs of opposites: with one side in each of two prompts, the prompts ask for opposite things. */

const pairs = `
  enable/disable enabled/disabled on/off up/down open/close opened/closed start/stop begin/end first/last
  increase/decrease raise/lower rise/fall grow/shrink expand/contract maximum/minimum max/min maximize/minimize
  maximal/minimal most/least more/less more/fewer many/few higher/lower high/low highest/lowest higher/less
  before/after earlier/later early/late earliest/latest previous/next past/future old/new older/newer oldest/newest
  oldest/youngest older/younger old/young ancient/modern
  buy/sell bought/sold buyer/seller import/export importer/exporter lend/borrow lender/borrower credit/debit
  asset/liability income/expense profit/loss bull/bear deposit/withdraw send/receive sender/receiver give/take
  ascending/descending ascend/descend asc/desc encrypt/decrypt encode/decode compress/decompress serialize/deserialize
  upload/download push/pull push/pop install/uninstall mount/unmount lock/unlock load/unload bind/unbind
  read/write reader/writer input/output add/remove add/subtract add/delete insert/delete insert/remove
  create/delete create/destroy create/drop build/destroy build/demolish attach/detach connect/disconnect
  subscribe/unsubscribe follow/unfollow show/hide visible/hidden allow/deny allow/forbid allow/block permit/forbid
  accept/reject approve/reject agree/disagree grant/revoke include/exclude inclusive/exclusive internal/external
  inside/outside inner/outer indoor/outdoor interior/exterior multiply/divide positive/negative plus/minus
  true/false yes/no right/wrong right/left correct/incorrect valid/invalid legal/illegal good/bad better/worse
  best/worst pros/cons pro/con advantage/disadvantage benefit/drawback strength/weakness strong/weak
  fast/slow faster/slower fastest/slowest quick/slow speed/slow big/small bigger/smaller biggest/smallest
  large/small larger/smaller largest/smallest long/short longer/shorter longest/shortest tall/short taller/shorter
  tallest/shortest wide/narrow deep/shallow thick/thin heavy/light light/dark bright/dark black/white hot/cold
  warm/cool hotter/colder warmer/cooler heat/cool wet/dry hard/soft hard/easy harder/easier difficult/easy
  hardest/easiest simple/complex cheap/expensive cheaper/dearer cheapest/dearest rich/poor full/empty
  public/private static/dynamic local/remote local/global client/server parent/child synchronous/asynchronous
  sync/async mutable/immutable horizontal/vertical row/column rows/columns north/south east/west northern/southern
  eastern/western top/bottom upper/lower front/back forward/backward forwards/backwards clockwise/counterclockwise
  male/female man/woman men/women boy/girl boys/girls guys/girls sons/daughters husband/wife father/mother son/daughter brother/sister king/queen
  win/lose winner/loser victory/defeat attack/defend attack/defense offense/defense love/hate friend/enemy
  ally/enemy war/peace life/death live/die alive/dead birth/death born/died arrive/depart arrival/departure
  enter/leave entrance/exit enter/exit login/logout gain/lose save/spend save/waste save/delete
  healthy/unhealthy safe/dangerous safe/unsafe sick/healthy awake/asleep day/night morning/evening sunrise/sunset
  summer/winter spring/autumn weekday/weekend am/pm always/never everything/nothing everyone/nobody all/none
  with/without success/failure succeed/fail pass/fail cause/prevent cause/effect
  hire/fire employ/dismiss employer/employee teacher/student supply/demand surplus/deficit inflation/deflation
  acid/base acidic/alkaline solid/liquid freeze/melt boil/freeze evaporate/condense inhale/exhale
  optimist/pessimist odd/even singular/plural even/uneven major/minor senior/junior superior/inferior
  temporary/permanent optional/required optional/mandatory voluntary/mandatory manual/automatic
  majority/minority presence/absence present/absent guilty/innocent lawful/unlawful virtue/vice
  war/peacetime prefix/suffix head/tail wrap/unwrap zip/unzip freeze/unfreeze merge/split join/split
  like/dislike trust/distrust trust/mistrust understand/misunderstand pre/post import/deport
  useful/useless arrogant/humble brave/cowardly generous/stingy loud/quiet noisy/quiet clean/dirty sweet/sour
  sweet/bitter raw/cooked frozen/thawed fresh/stale tight/loose sharp/blunt smooth/rough near/far closest/farthest
  nearest/farthest above/below ahead/behind left/right upstairs/downstairs upstream/downstream
  uphill/downhill inbound/outbound incoming/outgoing domestic/international national/foreign urban/rural
  wholesale/retail fixed/variable gross/net debtor/creditor landlord/tenant plaintiff/defendant prosecution/defense
  winner/loser predator/prey host/guest leader/follower master/servant ancestor/descendant nephew/niece uncle/aunt
  grandfather/grandmother actor/actress prince/princess groom/bride widow/widower boyfriend/girlfriend mr/mrs he/she
  him/her his/her sitting/standing sit/stand stand/lie awake/sleeping laugh/cry remember/forget find/lose teach/learn
  speak/listen catch/throw fill/empty tie/untie fold/unfold dress/undress pack/unpack plug/unplug
  sink/float melt/solidify tighten/loosen strengthen/weaken lengthen/shorten widen/narrow thicken/thin darken/lighten
  heat/chill promote/demote promotion/demotion praise/criticize reward/punish reward/penalty protect/expose
  retain/discard keep/discard keep/remove stay/leave continue/quit continue/stop resume/pause play/pause mute/unmute
  check/uncheck select/deselect undo/redo zoom/unzoom maximise/minimise commit/rollback acquire/release
  allocate/deallocate allocate/free ascend/drop append/prepend prefix/postfix opaque/transparent coarse/fine
  dense/sparse sparse/dense eager/lazy greedy/lazy strict/loose strict/lenient backup/restore online/offline
  signed/unsigned even/odd vertical/lateral introvert/extrovert numerator/denominator dividend/divisor
  bullish/bearish overdraft/surplus inpatient/outpatient systolic/diastolic acute/chronic benign/malignant
  hypertension/hypotension hyperglycemia/hypoglycemia hyperthyroidism/hypothyroidism constipation/diarrhea
  premium/economy departing/arriving departures/arrivals outbound/return carnivore/herbivore vegan/carnivore
  employed/unemployed fulltime/parttime qualified/unqualified paid/unpaid eligible/ineligible
`;

export interface Pole {
  readonly pair: number;
  readonly side: 1 | 2;
}

/** Pole of a word, also inflected: which pairs it stands in, and on which side. */
export const poles: ReadonlyMap<string, readonly Pole[]> = readPairs();

function readPairs(): Map<string, Pole[]> {
  const found = new Map<string, Pole[]>();
  const listed = pairs.trim().split(/\s+/);
  const all = new Set(listed.flatMap((both) => both.split('/')));
  const add = (word: string, pole: Pole) => {
    const here = found.get(word);
    if (here === undefined) found.set(word, [pole]);
    else if (!here.some(({ pair, side }) => pair === pole.pair && side === pole.side)) here.push(pole);
  };
  for (const [pair, both] of listed.entries()) {
    for (const [i, word] of both.split('/').entries()) {
      const pole: Pole = { pair, side: i === 0 ? 1 : 2 };
      add(word, pole);
      // A form that has pairs of its own ("lower" beside "low") keeps to them.
      for (const form of inflected(word)) if (!all.has(form)) add(form, pole);
    }
  }
  return found;
}

/** Forms as of a verb or a noun; those that do not exist do no harm. */
function inflected(word: string): string[] {
  if (word.length < 4 || /(?:er|est|ly|s)$/.test(word)) return [];
  if (word.endsWith('e')) return [`${word}s`, `${word}d`, `${word.slice(0, -1)}ing`];
  if (/[^aeiou]y$/.test(word)) return [`${word.slice(0, -1)}ies`, `${word.slice(0, -1)}ied`, `${word}ing`];
  const forms = [`${word}s`, `${word}es`, `${word}ed`, `${word}ing`];
  if (/[^aeiou][aeiou][^aeiouwxy]$/.test(word)) forms.push(`${word + word.at(-1)}ed`, `${word + word.at(-1)}ing`);
  return forms;
}

/** Beginnings that turn a word into its opposite. */
const negating = ['un', 'dis', 'de', 'non', 'in', 'im', 'ir', 'il', 'mis', 'anti'] as const;
/** Beginnings that oppose each other. */
const opposed: readonly (readonly [string, string])[] = [
  ['over', 'under'],
  ['pre', 'post'],
  ['up', 'down'],
  ['in', 'out'],
  ['in', 'de'],
  ['in', 'ex'],
  ['im', 'ex'],
  ['en', 'dis'],
  ['ac', 'de'],
  ['inter', 'intra'],
  ['hyper', 'hypo'],
  ['macro', 'micro'],
  ['maxi', 'mini'],
  ['pro', 'anti'],
  ['multi', 'single'],
];
const swaps: readonly (readonly [string, string])[] = opposed.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]);
/** Begin like an opposite of a word that they have nothing to do with. */
const unopposed = new Set(
  `design designs designed debug under until unit united into income inform inside instead intend invest index install
   instance interest internet important improve image island display discover discuss distance district dish despite
   depend detail desk unless mission miss unknown answer antichrist antitheist mister misses decide decimal degree delay deliver demand depart dependent`.split(
    /\s+/,
  ),
);

/** Words that say the opposite of this one, by its beginning or its -less: `unlock` → `lock`, `careful` → `careless`. */
export function oppositesOf(word: string): readonly string[] | undefined {
  if (word.length < 5) return undefined;
  const first = word.charCodeAt(0);
  const ending = word.charCodeAt(word.length - 1);
  // Only these begin a listed beginning, and only -ful and -less end so.
  const begins =
    first === 97 || (first >= 100 && first <= 105) || (first >= 109 && first <= 112) || first === 115 || first === 117;
  if (!begins && ending !== 108 && ending !== 115) return undefined;
  if (unopposed.has(word)) return undefined;
  let found: string[] | undefined;
  if (begins) {
    for (const prefix of negating) {
      if (word.startsWith(prefix) && word.length > prefix.length + 2) (found ??= []).push(word.slice(prefix.length));
    }
    for (const [from, to] of swaps) {
      if (word.startsWith(from) && word.length > from.length + 2) (found ??= []).push(to + word.slice(from.length));
    }
  }
  if (word.endsWith('ful')) (found ??= []).push(`${word.slice(0, -3)}less`);
  return found;
}
