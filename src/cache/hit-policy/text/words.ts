/** English word lists and endings, for comparing prompts; other languages simply find less in them. */

const list = (words: string): readonly string[] => words.trim().split(/\s+/);
const setOf = (words: string): ReadonlySet<string> => new Set(list(words));

/** Carry grammar only. Prepositions, modal verbs and past forms are not here: they change the answer. */
export const emptyWords = setOf(
  'a an the is are am do does of please kindly pls plz just actually basically really simply exactly some ever',
);

/** Words that are no names, even where a sentence or a title writes them with a capital. */
export const functionWords = setOf(`
  a an the is are am be been being do does did was were has have had of to in on at for from with without by about as
  and or but nor so if then than that this these those it its he she they them we us you your my me i his her our their
  who whom whose what when where why which how can could will would shall should may might must not no yes never only
  into onto over under between up down out off all any some each every both more most less least please also there here
`);

export const negators = setOf(`
  not no never none nobody nothing neither nor nowhere without except excluding exclude unless avoid avoiding avoids
  stop stops stopping prevent prevents preventing hardly barely non lack lacking lacks fail fails failing refuse refuses
  minus
`);

/** Turns the two sides of a sentence against each other: with one of these, order carries meaning. */
export const orderMarkers = setOf(`
  from to than vs versus into onto over before after by not without but except instead minus until through under above
  below replace replaces replacing substitute subtract - / > < = -> => >= <= == : beats against
`);

export const leadingPrepositions = setOf('in on for with using at as under within');

/** British spelling/American spelling. */
const american = `
  colour/color colours/colors coloured/colored favourite/favorite favourites/favorites behaviour/behavior
  behaviours/behaviors neighbour/neighbor neighbours/neighbors neighbourhood/neighborhood flavour/flavor
  flavours/flavors honour/honor labour/labor humour/humor rumour/rumor harbour/harbor odour/odor vapour/vapor
  armour/armor endeavour/endeavor saviour/savior parlour/parlor centre/center centres/centers theatre/theater
  theatres/theaters metre/meter metres/meters litre/liter litres/liters fibre/fiber kilometre/kilometer
  kilometres/kilometers grey/gray licence/license licences/licenses defence/defense offence/offense
  practise/practice practising/practicing organise/organize organised/organized organising/organizing
  organisation/organization organisations/organizations optimise/optimize optimised/optimized
  optimising/optimizing optimisation/optimization summarise/summarize summarised/summarized analyse/analyze
  analysed/analyzed analysing/analyzing realise/realize realised/realized recognise/recognize
  recognised/recognized apologise/apologize customise/customize customised/customized normalise/normalize
  normalisation/normalization initialise/initialize initialisation/initialization serialise/serialize
  deserialise/deserialize visualise/visualize visualisation/visualization categorise/categorize
  prioritise/prioritize minimise/minimize maximise/maximize memorise/memorize synchronise/synchronize
  authorise/authorize authorisation/authorization capitalise/capitalize capitalised/capitalized emphasise/emphasize
  paralyse/paralyze catalogue/catalog dialogue/dialog analogue/analog programme/program programmes/programs
  cheque/check cheques/checks tyre/tire tyres/tires kerb/curb plough/plow aluminium/aluminum mum/mom mums/moms
  jewellery/jewelry travelling/traveling travelled/traveled traveller/traveler travellers/travelers
  cancelled/canceled cancelling/canceling modelling/modeling modelled/modeled labelled/labeled labelling/labeling
  fuelled/fueled fulfil/fulfill enrol/enroll enrolment/enrollment skilful/skillful ageing/aging acknowledgement/acknowledgment
  judgement/judgment yoghurt/yogurt pyjamas/pajamas sceptical/skeptical maths/math doughnut/donut moustache/mustache
  anaemia/anemia diarrhoea/diarrhea oestrogen/estrogen paediatrician/pediatrician haemoglobin/hemoglobin
  oesophagus/esophagus leukaemia/leukemia anaesthesia/anesthesia manoeuvre/maneuver tumour/tumor tumours/tumors
  encyclopaedia/encyclopedia towards/toward afterwards/afterward learnt/learned burnt/burned spelt/spelled
`;

/** Contractions, also as hasty people write them, and spellings of one word. */
export const expansions: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    "can't": 'can not',
    cannot: 'can not',
    cant: 'can not',
    "won't": 'will not',
    wont: 'will not',
    "shan't": 'shall not',
    dont: 'do not',
    doesnt: 'does not',
    didnt: 'did not',
    isnt: 'is not',
    wasnt: 'was not',
    couldnt: 'could not',
    shouldnt: 'should not',
    wouldnt: 'would not',
    havent: 'have not',
    hasnt: 'has not',
    "ain't": 'is not',
    arent: 'are not',
    aint: 'is not',
    hadnt: 'had not',
    mustnt: 'must not',
    werent: 'was not',
    whats: 'what is',
    whens: 'when is',
    whys: 'why is',
    thats: 'that is',
    ive: 'i have',
    youre: 'you are',
    theyre: 'they are',
    wanna: 'want to',
    gonna: 'going to',
    gotta: 'have to',
    whos: 'who is',
    hows: 'how is',
    wheres: 'where is',
    im: 'i am',
    were: 'was',
    has: 'have',
    versus: 'vs',
    "let's": 'let us',
    ...Object.fromEntries(list(american).map((both) => both.split('/') as [string, string])),
  }).map(([short, long]) => [short, long.split(' ')]),
);

/** Words whose -s, -ed or -ing is no ending, or whose singular is another thing. */
const unstemmed = setOf(`
  windows news maths physics kubernetes redis series species means goods glasses pants always perhaps thus during morning
  evening nothing something anything everything need speed feed seed indeed exceed proceed succeed ceiling wedding
  sometimes afterwards besides towards yes this its his has was does goes less unless across
`);

/** Plural → singular, where no rule gives it. */
const singulars: ReadonlyMap<string, string> = new Map(
  list(`
    children/child women/woman men/man feet/foot teeth/tooth mice/mouse geese/goose knives/knife wives/wife wolves/wolf
    shelves/shelf halves/half leaves/leaf loaves/loaf thieves/thief buses/bus viruses/virus bonuses/bonus statuses/status
    campuses/campus gases/gas lenses/lens quizzes/quiz shoes/shoe toes/toe canoes/canoe movies/movie cookies/cookie
    calories/calorie selfies/selfie zombies/zombie rookies/rookie hoodies/hoodie brownies/brownie smoothies/smoothie
    caches/cache headaches/headache aches/ache niches/niche criteria/criterion analyses/analysis crises/crisis
    bases/base diagnoses/diagnosis hypotheses/hypothesis matrices/matrix indices/index vertices/vertex
  `).map((both) => both.split('/') as [string, string]),
);
/** Words in -s that mean something else without it. */
const noPlurals = setOf(`
  customs arms jeans shorts savings earnings contents manners minutes premises odds spirits troops brains means goods
  glasses pants news maths windows humanities
  species series physics economics mathematics politics ethics statistics athletics electronics genetics diabetes rabies
  measles mumps herpes texas wales james paris brussels netherlands philippines los kubernetes redis postgres jenkins
  always perhaps thus towards yes this its his has was does goes less unless across sometimes afterwards besides lens
`);

/**
 * A noun in singular, or a verb without the -s of the third person, and nothing more: `banking` is not
 * `bank`, `hunted` not `hunting`, `plane` not `plan`.
 */
export function singular(word: string): string {
  const length = word.length;
  const listed = singulars.get(word);
  if (listed !== undefined) return listed;
  if (length < 4 || word.charCodeAt(length - 1) !== 115 /* s */ || noPlurals.has(word)) return word;
  if (word.endsWith('ss') || word.endsWith('us') || word.endsWith('is')) return word;
  if (word.endsWith('ies')) return length > 5 ? `${word.slice(0, -3)}y` : word.slice(0, -1);
  return /(?:ss|x|zz|ch|sh|[^o]o)es$/.test(word) ? word.slice(0, -2) : word.slice(0, -1);
}

/** Without the ending of number, tense or progress: light on purpose, so that different words stay different. */
export function stem(word: string): string {
  const length = word.length;
  if (length < 4 || unstemmed.has(word)) return word;
  const last = word.charCodeAt(length - 1);
  if (last === 115 /* s */) {
    if (word.endsWith('ss') || word.endsWith('us') || word.endsWith('is')) return word;
    if (word.endsWith('ies') && length > 4) return `${word.slice(0, -3)}y`;
    if (/(?:[sxz]|ch|sh)es$/.test(word)) return withoutE(word.slice(0, -2));
    return withoutE(word.slice(0, -1));
  }
  if (last === 103 /* g */ && length > 5 && word.endsWith('ing')) return undoubled(word, word.slice(0, -3));
  if (last === 100 /* d */ && length > 4 && word.endsWith('ed')) {
    if (word.endsWith('ied')) return `${word.slice(0, -3)}y`;
    return undoubled(word, word.slice(0, -2));
  }
  return withoutE(word);
}

function undoubled(word: string, base: string): string {
  if (base.length < 2 || !/[aeiouy]/.test(base)) return word;
  const last = base.charCodeAt(base.length - 1);
  const doubled = base.length > 3 && last === base.charCodeAt(base.length - 2) && !'lsz'.includes(base.at(-1)!);
  return doubled ? base.slice(0, -1) : withoutE(base);
}

/** `use`, `using` and `used` meet without their e; shorter words keep it. */
function withoutE(word: string): string {
  return word.length > 2 && word.endsWith('e') && !word.endsWith('ee') ? word.slice(0, -1) : word;
}
