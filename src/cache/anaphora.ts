/** Whether a last turn needs the turns before it to be understood. Pure word lists, no model. */

/**
 * A text that leans on what was said before: a pronoun or a demonstrative that points back, a start that
 * leaves something out ("and in Paris?"), a wish for more of the same, or fewer than three content words.
 * Errs towards true, which costs a hit and never an answer. English, with the commonest such words of
 * German, French, Spanish, Italian, Portuguese and Dutch; text without spaces between words leans when it is
 * short or has a pronoun. O(n).
 */
export function leansOnEarlierTurns(text: string): boolean {
  const plain = text.replace(/[’‘]/g, "'");
  if (unspaced.test(plain)) return plain.length < unspacedCharsMin || unspacedPointers.test(plain);
  const written = plain.match(wordPattern) ?? [];
  const words = written.map((word) => word.toLowerCase());
  const shouted = plain === plain.toUpperCase();
  if (words.length === 0) return true;
  // "IT" is a trade, not a pronoun.
  const spoken = ` ${words.map((word, i) => (!shouted && written[i] === 'IT' ? 'IT' : word)).join(' ')} `;
  const brings = bringsItsObject(plain);
  if (
    english.some(({ find, unless, notWhenBrought }) => {
      if (notWhenBrought === true && brings) return false;
      return find.test(unless === undefined ? spoken : spoken.replace(unless, ' · '));
    })
  )
    return true;
  const others = languagesOf(words);
  if (others.some(({ starts, pointers }) => starts.test(spoken) || pointers.test(spoken.replace(elided, '$& '))))
    return true;
  const content = words.filter((word) => !isEmpty(word, others));
  return content.length < (namesItsThing.test(spoken) ? contentWordsMin - 1 : contentWordsMin) && !brings;
}

/** The one with the most function words in the text; several when they tie, none when it is English. */
function languagesOf(words: readonly string[]): readonly Language[] {
  let found: Language[] = [];
  let most = marksMin;
  for (const each of languages) {
    const count = words.filter((word) => each.marks.has(word)).length;
    if (count > most) found = [];
    if (count >= most) found.push(each);
    most = Math.max(most, count);
  }
  return found;
}

/** Fewer say too little to be a question of their own. */
const contentWordsMin = 3;
/** "What is the capital of France" says all with two. */
const namesItsThing =
  /^ (?:(?:ok|okay|so|well|please) )*(?:what|who|where|when|which|how|was|wer|wo|wie|quelle?|qui|où|qué|quién|cuál|dónde|quale?|qual|chi|dove|quem|onde|wat|wie|waar)(?:'s)? .* (?:of|in|von|de|du|da|do|di|della|van) /;
/** French and Italian write "qu'elle" as one word. */
const elided = /(?<= )(?:qu|l|d|j|n|s|c|m|t|un|dell|nell|all)'/g;
/** Function words that show a language: one alone may be a name or a borrowed word. */
const marksMin = 2;

const wordPattern = /[\p{L}\p{N}][\p{L}\p{N}\p{M}'+#]*/gu;

interface Rule {
  readonly find: RegExp;
  /** Phrases in which the words of `find` point nowhere. */
  readonly unless?: RegExp;
  /** Does not hold for "fix this: …", which brings along what it points at. */
  readonly notWhenBrought?: true;
}

/** Texts are lower case, one blank around every word. */
const english: readonly Rule[] = [
  {
    // Something is left out before the first word.
    find: /^ (?:(?:ok|okay|well|so|thanks|please|hm+|oh) )*(?:and|but|or|nor|then|otherwise|instead|also|yes|yeah|yep|no|nope|nah|sure|what about|how about|what if not|same (?:for|with|thing|but|in)|the same|why not|how so|how come|or else|except|not |unless|because|like what|such as|for example|for instance) /,
    unless: /^ (?:no one|or gate|and gate|not gate|yes or no) /,
  },
  {
    find: /^ (?:(?:ok|okay|please|can you|could you|now|then) )*(?:continue|go on|keep going|carry on|proceed|elaborate|expand|more|again|another|next|rephrase|reword|shorten|shorter|longer|simplify|try again|redo|undo|retry|repeat) /,
    unless: /^ (?:next js|next year|more than|another word for|another name for|undo the last commit|repeat the word) /,
  },
  {
    find: / (?:again|instead|too|as well|further|else|more|otherwise|then|so|though|either|neither|likewise|similarly|alternatively) $/,
    unless: / (?:once and for all|if else|or else) $/,
  },
  {
    find: / (?:tell|show|give|explain|say|write|list|add|need|want|know|learn) (?:me |us |it )?(?:some |a bit |a little |\d+ |two |three |four |five |ten |a few )?(?:more|another)(?! than) /,
  },
  { find: / (?:what|who|where|anything|something|anyone|nothing|how|when) else / },
  { find: / (?:\d+|two|three|four|five|six|ten|a few|some|any|many) more (?!than)/ },
  { find: / another (?:one|example|way|version|time|option|idea|joke|story|poem|question|suggestion|approach) / },
  {
    find: / (?:they|them|their|theirs|themselves|he|him|his|himself|she|her|hers|herself|itself|its) /,
  },
  {
    find: / (?:it|it's|it'd|it'll) /,
    unless: expletive(),
  },
  {
    find: / (?:this|these) /,
    unless:
      / this (?:year|month|week|weekend|morning|afternoon|evening|summer|winter|spring|autumn|fall|century|decade|season|monday|tuesday|wednesday|thursday|friday|saturday|sunday) /g,
    notWhenBrought: true,
  },
  { find: / those (?!who )/ },
  {
    // Elsewhere "that" opens a clause: "a function that returns", "prove that".
    find: /^ (?:that|that's) | (?:that|that's) $| (?:of|is|isn't|was|does|did|do|doing|done|about|for|with|to|like|from|in|on|at|by|after|before|than|explain|why|how|fix|change|use|translate|convert|summarize|summarise|mean by|and|would|could|should|can|will) (?:that|that's) /,
    unless: / (?:in that case you|so that|such that|is that of) /g,
  },
  {
    find: / (?:this|that|the (?:first|second|third|fourth|fifth|last|next|other|previous|same|latter|former|best|better|big|small|old|new|red|blue|green)|which|each|either|no|any other|another) ones? /,
  },
  {
    find: / the (?:former|latter|above|previous|preceding|aforementioned|rest of|same|other (?:one|two|three|way|option|side)|others|first (?:option|method|approach|part|point|example|step|answer|line|paragraph)|second (?:option|method|approach|part|point|example|step|answer|line|paragraph|one)|third (?:option|method|approach|part|point|example|step|answer|line|paragraph)|last (?:option|point|step|part|line|sentence|paragraph|answer|example|one)) /,
    unless:
      / (?:the same (?:time|as|length|size|number|way as)|the first step in|the first line of an?|the last line of an?) /g,
  },
  {
    find: / (?:your|the|my) (?:last|previous|earlier|first|original|above) (?:answer|reply|response|message|question|point|example|sentence|suggestion|statement|explanation|code|list) /,
  },
  {
    find: / (?:you|i|we) (?:just |already )?(?:mention|said|mentioned|told|wrote|gave|suggested|listed|described|asked|explained|talked|discussed|recommended) /,
    unless: / (?:if|when|what would happen if) (?:you|i|we) (?:said|told|wrote|gave|asked) /g,
  },
  { find: / (?:do|doing|did|does|done|think|say) so / },
  {
    find: / (?:as|like) (?:before|above|mentioned|earlier|described|discussed|said) | (?:mentioned|described|given|listed|shown) (?:above|earlier|before) /,
  },
  { find: / such (?!as |that )(?!an? )/ },
  {
    // "Which is cheaper to run?": of what was named before. "… or …" names them.
    find: /^ which (?:is|are|was|were|would|should|do|does|has|have|of) (?!.* (?:or|of the|of all) )/,
  },
];

/** "It" that points at nothing: what is possible, how long something takes, the weather, the time. */
function expletive(): RegExp {
  const judged =
    'possible|impossible|safe|legal|illegal|ok|okay|true|necessary|better|best|worth|bad|good|normal|healthy|unhealthy|allowed|required|hard|easy|difficult|dangerous|important|rude|wrong|right|cheaper|faster|wise|common|useful|advisable|polite|rare';
  return new RegExp(
    [
      ` (?:is|was|isn't|would|be) it (?:really |ever |still |always |be )?(?:${judged}) (?:to|that|for|if|when|a|not) `,
      ` (?:it is|it's|it was|makes? it|making it|find it|consider it) (?:not |more |very |so )?(?:${judged}) (?:to|that|for|if) `,
      ' (?:does|did|would|will|do) it (?:usually |normally |typically |generally )?(?:take|cost) (?:\\S+ ){0,3}to \\S+ (?:up |down )?(?:an?|the|my|your|\\d+|one|from) ',
      ' (?:what|which) (?:time|day|date|year|month|season) is it ',
      ' (?:does|did|will|is|was) it (?:snow|rain|snowing|raining|hot|cold|dark|sunny) ',
      ' (?:how|what) (?:is it|does it mean|does it feel|is it like) (?:called )?(?:when|to|if) ',
      ' why is it (?:called|that) ',
    ].join('|'),
    'g',
  );
}

interface Language {
  readonly marks: ReadonlySet<string>;
  readonly starts: RegExp;
  readonly pointers: RegExp;
}

const language = (marks: string, starts: string, pointers: string): Language => ({
  marks: new Set(marks.trim().split(/\s+/)),
  starts: new RegExp(`^ (?:${starts}) `),
  pointers: new RegExp(` (?:${pointers}) `),
});

const languages: readonly Language[] = [
  language(
    'der das und ist wie ein eine einen nicht mit für den dem des hat kann man wird sind von zu im bei warum welche welcher was wo wer ich zum zur auf die gibt mir bitte es sie er',
    'und|aber|oder|also|dann|sonst|was ist mit|wie ist es mit|wie sieht es (?:mit|in)|weiter|mehr|noch (?:mal|ein|eine|einen|mehr)|nochmal|erneut|ja|nein|stattdessen|das gleiche|dasselbe',
    '(?<!gibt |spät |ist )es(?! gibt)|er|ihn|ihm|ihnen|ihre|ihrer|ihren|sein|seine|seiner|sie|diese|dieser|dieses|diesen|diesem|jene|jener|jenes|davon|dafür|damit|dazu|daran|darüber|darin|dabei|dagegen|dort|bedeutet das|ist das|macht das|heißt das|geht das|letztere|letzterer|erstere|das (?:zweite|dritte|erste|letzte)|der (?:zweite|letzte)|nochmal|außerdem',
  ),
  language(
    "le la les un une des du et est que qu'est qui quoi comment pourquoi pour dans sur avec je de quel quelle quels quelles sont où a au aux ce il elle moi",
    "et|mais|ou|donc|alors|sinon|encore|continue|continuez|plus|pareil|même chose|la même chose|qu'en est|et pour|et si|oui|non|aussi",
    'il(?! y a| faut| est possible| pleut| neige)|elle|elles|ils|lui|leur|leurs|celui|celle|ceux|celles|celui-ci|ça|cela|ceci|cette|ces|cet|encore|en plus|le (?:premier|deuxième|second|dernier)|la (?:première|deuxième|seconde|dernière)|ces derniers|ce dernier|cette dernière',
  ),
  language(
    'el la los las un una y es que qué cómo por para en con del de quién dónde cuál cuáles cuánto son se su me lo está',
    'y|pero|o|entonces|también|qué tal|y si|continúa|continua|sigue|más|otra vez|otro|otra|lo mismo|sí|no|además',
    'él|ella|ellos|ellas|esto|eso|ese|esa|esos|esas|este|esta|estos|estas|aquello|aquel|aquella|su|sus|lo(?! que| mejor| mismo)|el (?:primero|segundo|último|anterior)|la (?:primera|segunda|última|anterior)|otra vez|también',
  ),
  language(
    'il la lo gli le un una e è che cosa come perché per di del della dei nel con chi dove quale quali sono si mi quanto',
    'e|ma|o|allora|anche|e se|continua|ancora|di più|più|un altro|lo stesso|la stessa cosa|sì|no|inoltre',
    'esso|essa|essi|lui|lei|loro|questo|questa|questi|queste|quello|quella|quelli|quelle|ciò|suo|sua|suoi|sue|il (?:primo|secondo|precedente)|la (?:prima|seconda|precedente)|di nuovo|anche',
  ),
  language(
    'o a os as um uma e é que como por para em com do da dos das quem onde qual quais quanto são se me de no na',
    'e|mas|ou|então|também|e se|continue|continua|mais|de novo|outro|outra|o mesmo|sim|não|além disso',
    'ele|ela|eles|elas|isso|isto|aquilo|esse|essa|esses|essas|este|esta|estes|estas|dele|dela|deles|delas|seu|sua|seus|suas|nele|nela|o (?:primeiro|segundo|último|anterior)|a (?:primeira|segunda|última|anterior)|de novo|também',
  ),
  language(
    'de het een en is wat hoe waarom van voor met in op te niet zijn wie waar welke ik je kan heeft',
    'en|maar|of|dan|ook|en als|wat dacht je van|ga door|ga verder|meer|nog (?:een|meer)|opnieuw|hetzelfde|ja|nee|bovendien',
    'hij|zij|ze|hem|haar|hun|hen|deze|dit|ervan|ervoor|ermee|daarvan|daarvoor|daarmee|daarover|daarin|betekent dat|is dat|de (?:eerste|tweede|laatste|vorige)|opnieuw|ook',
  ),
];

const emptyEnglish: ReadonlySet<string> = new Set(
  `a an the is are am be been was were do does did done doing have has had can could will would shall should may might must
   of to in on at for from with without by about as into onto over under between and or but so if then than that this these
   those it its i you he she they we me my your his her their our us them what which who whom whose when where why how
   please kindly tell give show explain describe say me mean means thing things some any all there here not no yes just
   very much many more most less one ones also too really actually now okay ok thanks thank hi hello hey let's lets let
   i'm i've what's that's who's where's how's don't doesn't isn't can't`
    .trim()
    .split(/\s+/),
);

function isEmpty(word: string, others: readonly Language[]): boolean {
  return (
    emptyEnglish.has(word) ||
    (word.length === 1 && !/[\p{N}cr]/u.test(word)) ||
    others.some(({ marks }) => marks.has(word))
  );
}

/** "Translate this: …", "fix this code" with a fence: what is pointed at follows. */
function bringsItsObject(text: string): boolean {
  if (/```|\n/.test(text)) return true;
  return /[:"“«]\s*\S+\s+\S+\s+\S+/.test(text);
}

/** Chinese and Japanese. Korean puts spaces between words but glues its particles to them. */
const unspaced = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/;
/** Shorter is an echo of what was said: "那巴黎呢". */
const unspacedCharsMin = 8;
const unspacedPointers =
  /它|他|她|这|那|其中|上面|前者|后者|继续|再|更多|还有|呢[?？]?$|それ|これ|あれ|その|この|彼|彼女|もっと|続け|もう一|では|그것|이것|저것|그는|그녀|이거|그거|계속|다시|더 /;
