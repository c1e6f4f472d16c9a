/** Pairs of opposites: with one side in each of two prompts, the prompts ask for opposite things. */

const pairs = `
  enable/disable enabled/disabled on/off in/out up/down open/close opened/closed start/stop begin/end first/last
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
  male/female man/woman men/women boy/girl husband/wife father/mother son/daughter brother/sister king/queen
  win/lose winner/loser victory/defeat attack/defend attack/defense offense/defense love/hate friend/enemy
  ally/enemy war/peace life/death live/die alive/dead birth/death born/died arrive/depart arrival/departure
  come/go enter/leave entrance/exit enter/exit login/logout gain/lose save/spend save/waste save/delete
  healthy/unhealthy safe/dangerous safe/unsafe sick/healthy awake/asleep day/night morning/evening sunrise/sunset
  summer/winter spring/autumn weekday/weekend am/pm always/never everything/nothing everyone/nobody all/none
  with/without success/failure succeed/fail pass/fail cause/prevent cause/effect question/answer
  hire/fire employ/dismiss employer/employee teacher/student supply/demand surplus/deficit inflation/deflation
  acid/base acidic/alkaline solid/liquid freeze/melt boil/freeze evaporate/condense inhale/exhale
  optimist/pessimist odd/even singular/plural even/uneven major/minor senior/junior superior/inferior
  temporary/permanent optional/required optional/mandatory voluntary/mandatory manual/automatic
  majority/minority presence/absence present/absent guilty/innocent lawful/unlawful virtue/vice
  war/peacetime prefix/suffix head/tail wrap/unwrap zip/unzip freeze/unfreeze merge/split join/split
  like/dislike trust/distrust trust/mistrust understand/misunderstand pre/post import/deport
`;

/** Pole of a word: which pairs it stands in, and on which side. */
export const poles: ReadonlyMap<string, readonly { readonly pair: number; readonly side: 1 | 2 }[]> = readPairs();

function readPairs(): Map<string, { pair: number; side: 1 | 2 }[]> {
  const found = new Map<string, { pair: number; side: 1 | 2 }[]>();
  for (const [pair, both] of pairs.trim().split(/\s+/).entries()) {
    for (const [i, word] of both.split('/').entries()) {
      const here = found.get(word) ?? [];
      here.push({ pair, side: i === 0 ? 1 : 2 });
      found.set(word, here);
    }
  }
  return found;
}

/** Beginnings that turn a word into its opposite. */
export const opposingPrefixes = ['un', 'dis', 'de', 'non', 'in', 'im', 'ir', 'il', 'mis', 'anti'] as const;
