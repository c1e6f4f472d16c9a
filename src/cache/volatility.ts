/** Which questions have an answer that is soon out of date. Pure word lists, no model. */

/**
 * Whether the answer may change within the hour: the text asks about now, today, the weather, news, prices
 * or scores. Whole words only; what is quoted or code does not count, and words that have another sense
 * (electrical current, the current directory, the latest commit) are told apart by their neighbours.
 * English, with the commonest such words of eleven more languages. O(n), some microseconds.
 */
export function isVolatile(text: string): boolean {
  const plain = text.length > charsMax ? text.slice(-charsMax) : text;
  const spoken = plain.replace(/[’‘]/g, "'").replace(notSpoken, ' · ').toLowerCase();
  if (unspacedWords.test(spoken)) return true;
  return rules.some(({ find, unless }) => {
    find.lastIndex = 0;
    for (let match = find.exec(spoken); match !== null; match = find.exec(spoken)) {
      if (isTold(spoken, match.index)) continue;
      if (unless === undefined) return true;
      const around = spoken.slice(Math.max(0, match.index - windowChars), find.lastIndex + windowChars);
      if (!unless.test(around)) return true;
    }
    return false;
  });
}

/** Whether the word stands in what the asker tells about themselves, "I am 15 now.", and not in the question. */
function isTold(text: string, at: number): boolean {
  const rest = text.slice(at, at + sentenceCharsMax);
  const end = rest.search(/[.!?\n](?:\s|$)/);
  if (end === -1 || rest[end] === '?') return false;
  const before = text.slice(Math.max(0, at - sentenceCharsMax), at);
  const sentence = before.slice(before.search(/[^.!?\n]*$/));
  return /(?:^|[^\p{L}])(?:i|i'm|i've|i'd|my|we|we've|our|ich|mein|je|j'ai|yo|io|eu|ik)(?=[^\p{L}])/u.test(sentence);
}

/** Longer sentences are judged by this much on each side. */
const sentenceCharsMax = 200;

/** The question stands at the end of a long text; what comes before is material. */
const charsMax = 2000;
/** Neighbours that tell senses apart: about six words on each side. */
const windowChars = 40;

/** Fences, inline code and quoted passages. */
const notSpoken = /```[^]*?(?:```|$)|`[^`\n]+`|"[^"\n]*"|“[^”\n]*”|«[^»\n]*»/g;

interface Rule {
  readonly find: RegExp;
  /** Neighbourhoods in which the word has another sense. */
  readonly unless?: RegExp;
}

/** A word by itself: not part of an identifier, a path, an image tag or a call. */
const words = (alternatives: string): RegExp =>
  new RegExp(`(?<![\\p{L}\\p{N}_.@:/#-])(?:${alternatives})(?![\\p{L}\\p{N}_(-]|\\.[\\p{L}_])`, 'gu');

/** Things in a program or a table that have a latest one without anything changing in the world. */
const records =
  'records?|rows?|entry|entries|commits?|files?|items?|timestamps?|values?|tags?|elements?|messages?|revisions?|branch|snapshots?|image|column|per group|node|version of a file|transaction|backup|log';

const rules: readonly Rule[] = [
  {
    find: words("today|tonight|today's|tonight's|tomorrow|tomorrow's|yesterday|yesterday's"),
    unless: /usa today|psychology today|off until tomorrow/u,
  },
  {
    find: words('now'),
    unless:
      /(?:^|[.!?;\n]\s*)now\b(?!\s*[?]?\s*$)|\bfrom now on\b|\bnow that\b|\bnow and then\b|\bnow or never\b|\bapocalypse now\b|,\s*now\b/u,
  },
  {
    find: words(
      'currently|nowadays|at the moment|at present|these days|as of now|up to date|up-to-date|so far this|to date',
    ),
    unless:
      /up.to.date (?:with|branch)|keep (?:\S+ ){0,3}up.to.date|currently (?:selected|open file|running (?:process|thread|container)|logged)/u,
  },
  {
    find: words('latest|newest|most recent|recent|recently|trending|upcoming|breaking'),
    unless: new RegExp(
      `at the latest|most recent common|recent memory|recently used|breaking (?:bad|point|changes?|down|into|out|of|the|strength|up)|(?:latest|newest|recent)\\s+(?:\\S+\\s+)?(?:${records})\\b`,
      'u',
    ),
  },
  {
    find: words("current|current's"),
    unless:
      /amp(?:ere|s|erage)?\b|\bvolt|\bohm|resist|circuit|electr|alternating|\bdirect current|induc|eddy|ocean|river|\bsea\b|\bwater\b|tidal|\brip current|leakage|\bdraws?\b|sensor|transformer|capacit|\bmotor|batter|\bleds?\b|\bfuse|\bwires?\b|conduct|diode|transistor|\bma\b|\bac\b|\bdc\b|magnet|kirchhoff|coil|\bflow(?:s|ing)?\b|current (?:working )?(?:directory|dir|folder|user|branch|line|element|thread|page|row|node|value|index|file|function|process|position|cell|iteration|state|scope|session|window|tab|url|path|selection|item|object|frame|shell|word|character|density|divider|limiter|mirror|assets?|liabilit(?:y|ies)|ratio|account|context)/u,
  },
  {
    find: words(
      "this (?:week|month|year|morning|afternoon|evening|weekend|quarter|season|summer|winter|spring|autumn|fall|week's|month's|year's)",
    ),
  },
  {
    find: words(
      '(?:last|next|past|coming) (?:week|month|year|night|weekend|quarter|season|monday|tuesday|wednesday|thursday|friday|saturday|sunday)',
    ),
    unless: /\b(?:sql|excel|python|javascript|pandas|function|formula|regex|query)\b/u,
  },
  {
    find: words(
      "what time is it|what's the time|what is the time|what day is it|what's the date|what is the date|what year is it|what date is it",
    ),
  },
  { find: words('how (?:many (?:days|weeks|months|hours)|long) (?:until|till|to go until|are left until|left until)') },
  {
    find: words("weather|weather's|forecast|forecasts"),
    unless:
      /weather (?:vane|balloon|proof|resistant|stripping|the storm)|\bunder the weather\b|cold weather (?:gear|clothing)|weather (?:and|vs|versus|or) climate|climate (?:and|vs|versus|or) weather|difference between|\b(?:sales|demand|revenue|series|model|cash flow|budget) forecasts?|forecast (?:model|accuracy|error|function|method)s?|what is (?:a|the) (?:weather )?forecast\b/u,
  },
  {
    find: words('news|headlines|headline news'),
    unless:
      /fake news|good news|bad news|(?:break|broke|breaking) the news|news (?:anchor|article|articles|agency|outlet|value|media|writing|story)|hacker news (?:api|clone)|headlines? (?:for|about|writing)/u,
  },
  {
    find: words('prices?|price of|prices of|cost of living'),
    unless:
      /price[- ](?:elasticity|theory|ceiling|floor|discrimination|index|indices|point|mechanism|action|to earnings|controls?|column|field|variable|attribute|property|list|tag|input|matching|gouging|taker|maker|war|setting|signals?)|(?:vincent|katie|half|at any|original|sale|selling|equilibrium|list|reserve|shadow|strike|unit) price|consumer price|(?:determine|determines|affect|affects|set|sets|influence) (?:the )?prices?|price\s*[=*+<>:]|\bper cent off\b/u,
  },
  {
    find: words(
      'stock market|stock quote|share price|exchange rates?|gas prices|box office|live scores?|standings|traffic (?:jams?|conditions?|report)|flight status|power outages?|election results?',
    ),
    unless:
      /(?:fixed|floating|pegged|nominal|real) exchange rate|stock market (?:crash|crashes) of|how (?:does|do) (?:the |a )?(?:stock market|exchange rates?) work|history of|what (?:is|are) (?:an? (?:stock market|exchange rate)|the stock market)\b|causes? (?:of )?traffic jams?/u,
  },
  {
    find: words("score|scores|who won|who is winning|who's winning"),
    unless:
      /credit scores?|f1|z.scores?|t.scores?|test scores?|score (?:function|sheet|card|matching)|music|film score|apgar|brier|\biq\b|\bsat\b|\bact\b|exam|average|musical|confusion|classif|\bbleu\b|\brouge\b|four score|who won (?:the )?(?:\S+ ){0,5}(?:in|of) (?:1\d{3}|20[01]\d|202[0-4])|(?:19\d\d|20[01]\d|202[0-4])|\bwar\b|battle|means?\b|calculat|comput|normali[sz]/u,
  },
  // German, French, Spanish, Italian, Portuguese, Dutch, Polish, Turkish, Russian, Ukrainian.
  {
    find: words(
      'heute|gestern|jetzt|derzeit|momentan|gerade eben|aktuell|aktuelle|aktuellen|aktueller|aktuelles|neueste|neuesten|neuester|neuestes|wetter|wettervorhersage|nachrichten|schlagzeilen|börsenkurs|wechselkurs|diese woche|nächste woche|letzte woche|dieses jahr',
    ),
    unless:
      /aktuelle(?:n|r|s)? (?:verzeichnis|zeile|datei|ordner|benutzer|zweig)|nachrichten (?:senden|schicken|verschlüssel)/u,
  },
  { find: words('preis|preise'), unless: /nobel|preis(?:elastizität|bindung)/u },
  {
    find: words(
      "aujourd'hui|hier|demain|maintenant|actuellement|en ce moment|météo|actualités?|dernières nouvelles|cette semaine|ce soir|cette année|la semaine prochaine|quelle heure est",
    ),
  },
  { find: words('prix'), unless: /grand prix|prix nobel|à tout prix/u },
  {
    find: words(
      'hoy|ayer|ahora|actualmente|noticias|últimas noticias|esta semana|este año|la próxima semana|la semana pasada|qué hora es|pronóstico|precio|precios|qué tiempo hace|el clima (?:en|de hoy)',
    ),
  },
  {
    find: words(
      'oggi|ieri|domani|adesso|attualmente|notizie|meteo|questa settimana|prezzo|prezzi|che ore sono|che tempo fa',
    ),
  },
  { find: words('hoje|ontem|amanhã|atualmente|notícias|previsão do tempo|preço|preços|que horas são|neste momento') },
  { find: words('agora'), unless: /\b(?:the|an|ancient|greek|athenian|roman) agora|agora (?:of|was)/u },
  {
    find: words(
      'vandaag|gisteren|momenteel|op dit moment|nieuws|weersvoorspelling|prijs|prijzen|deze week|hoe laat is het',
    ),
  },
  {
    find: words('dzisiaj|dziś|jutro|wczoraj|teraz|obecnie|pogoda|wiadomości|aktualności|która godzina|w tym tygodniu'),
  },
  { find: words('bugün|yarın|dün|şu an|şimdi|hava durumu|haberler|fiyatı|saat kaç') },
  {
    find: words(
      'сегодня|завтра|вчера|сейчас|погода|новости|цена|цены|курс (?:доллара|евро|рубля)|который час|сьогодні|зараз|учора|новини|ціна',
    ),
  },
];

/** Without spaces between words there is no whole word to look for. */
const unspacedWords =
  /今天|明天|昨天|现在|目前|最新|天气|新闻|价格|股价|几点|今日|明日|昨日|現在|天気|ニュース|価格|株価|何時|오늘|내일|어제|지금|현재|최신|날씨|뉴스|가격|몇 시/;
