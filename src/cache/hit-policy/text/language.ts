/** Which language a text is in, from its script and its commonest words; '' where that is not clear. */

/** Words that a text in the language can hardly do without. Several languages may share one. */
const profiles: Readonly<Record<string, string>> = {
  en: `the is are what how why when where who which do does did can could should would will i my me you your it its in of
    to for and with from this that there have has on be an a at not if by or we they give tell explain write list`,
  fr: `le la les un une des est sont que quel quelle quels quelles comment pourquoi quand où qui je mon ma mes tu vous
    votre il elle dans du de pour et avec au aux ce cette ne pas en sur plus puis qu faire peux dois faut ça y`,
  de: `der die das ein eine einen einer ist sind was wie warum wann wo wer welche welcher welches ich mein meine du sie
    ihr es im in von zu für und mit aus dem den des nicht auf kann man soll gibt wird werden bei zum zur am mir`,
  es: `el la los las un una es son qué que cómo como por para cuándo cuando dónde donde quién quien cuál cuáles yo mi
    mis tú usted su en de del y con al este esta no hay más puedo debo se lo cuánto cuántos cuesta hago`,
  it: `il lo la gli le un una è sono che cosa come perché quando dove chi quale quali io mio mia tu lei suo in di del
    della e con al per questo questa non più posso devo si nel dal cui quanto quanti costa dello alla`,
  pt: `o a os as um uma é são que qual quais como porque quando onde quem eu meu minha você seu sua em de do da dos das
    no na e com para por este esta não mais posso devo se quanto quantos custa ao à`,
  nl: `de het een is zijn wat hoe waarom wanneer waar wie welke ik mijn jij je u uw in van naar voor en met uit niet op
    kan moet er dat dit te om bij aan hoeveel`,
  sv: `en ett är vad hur varför när var vem vilken vilket jag min mitt du din i av till för och med från inte på kan ska
    det den de som att om många`,
  da: `en et er hvad hvordan hvorfor hvornår hvor hvem hvilken jeg min mit du din i af til for og med fra ikke på kan skal
    det den de som at om mange`,
  no: `en et er hva hvordan hvorfor når hvor hvem hvilken jeg min mitt du din i av til for og med fra ikke på kan skal det
    den de som at om mange`,
  pl: `jest są co jak dlaczego kiedy gdzie kto który która które ja mój moja ty twój w z do na dla i nie się to czy po od
    ile mogę można przez przy`,
  tr: `bir ne nasıl neden niçin zaman nerede kim hangi ben benim sen senin ve ile için bu mı mi mu mü var yok değil çok kaç
    nedir olur mıyım`,
  fi: `on ovat mikä mitä miten miksi milloin missä kuka minä minun sinä ja ei se tämä voi voin kuinka että olla paljonko
    pitää`,
  cs: `je jsou co jak proč kdy kde kdo který která které já můj ty tvůj v z do na pro a se to ne mohu kolik jaké jaký jaká`,
  ro: `este sunt ce cum când unde cine care eu meu mea tu în din pe pentru și cu nu la de un o mai pot câte cât`,
  id: `apa bagaimana mengapa kapan dimana siapa yang saya anda di ke dari untuk dan dengan ini itu tidak bisa adalah berapa
    cara`,
  vi: `là gì như thế nào tại sao khi ở đâu ai tôi bạn của và với cho này không có một các làm bao nhiêu`,
};
const names = Object.keys(profiles);
const english = names.indexOf('en');

/** Word → bit of each language that has it. */
export const languageBits: ReadonlyMap<string, number> = readProfiles();

/** Negating words of other languages than English, counted only where the text is not English. */
export const foreignNegators: ReadonlySet<string> = new Set(
  `pas jamais aucun aucune sans nicht kein keine keinen keiner nie niemals ohne sin nunca ningún ninguna jamás non senza
   mai nessun nessuna não sem niet geen nooit zonder inte aldrig utan ikke aldri aldrig uten nie bez nigdy değil yok ei
   koskaan ilman ne nikdy nu niciodată fără tidak bukan tanpa không không не нет без никогда`.split(/\s+/),
);
/** "No" negates in these. */
const noNegates = new Set(['es', 'it']);

/** Counts, per language, the commonest words of one text. */
export class LanguageCount {
  readonly #counts = new Uint8Array(names.length);
  #words = 0;

  add(bits: number): void {
    if (bits === 0 || this.#words === 250) return;
    this.#words += 1;
    for (let i = 0; bits !== 0; i++, bits >>>= 1) if ((bits & 1) !== 0) this.#counts[i]! += 1;
  }

  /**
   * @param text for its script
   * @returns `en`, `fr`, …, a script such as `han`, or '' when two languages are about as likely
   */
  of(text: string): string {
    const script = scriptOf(text);
    if (script !== 'latin') return script;
    let best = english;
    let second = 0;
    for (let i = 0; i < names.length; i++) {
      const count = this.#counts[i]!;
      if (i === best) continue;
      if (count > this.#counts[best]!) {
        second = this.#counts[best]!;
        best = i;
      } else if (count > second) second = count;
    }
    const most = this.#counts[best]!;
    return most >= 2 && most > second ? names[best]! : '';
  }
}

/** Whether "no" is a negation of the language. */
export const negatesWithNo = (language: string): boolean => noNegates.has(language);

const scripts: readonly (readonly [from: number, to: number, name: string])[] = [
  [0x370, 0x3ff, 'greek'],
  [0x400, 0x52f, 'cyrillic'],
  [0x590, 0x5ff, 'hebrew'],
  [0x600, 0x6ff, 'arabic'],
  [0x900, 0x97f, 'devanagari'],
  [0x980, 0x9ff, 'bengali'],
  [0xb80, 0xbff, 'tamil'],
  [0xe00, 0xe7f, 'thai'],
  [0x3040, 0x30ff, 'kana'],
  [0x3400, 0x9fff, 'han'],
  [0xac00, 0xd7af, 'hangul'],
];
const beyondLatin = /[\u0370-\u0fff\u3040-\ud7af]/;

/** Script of most letters; any kana makes the text Japanese. */
function scriptOf(text: string): string {
  if (!beyondLatin.test(text)) return 'latin';
  const counts = new Map<string, number>();
  let latin = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x370) {
      if ((code | 32) >= 97 && (code | 32) <= 122) latin += 1;
      continue;
    }
    const name = scripts.find(([from, to]) => code >= from && code <= to)?.[2];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  if (counts.has('kana')) return 'kana';
  let best = 'latin';
  // A character of a script without spaces stands for several Latin letters.
  let most = latin / 3;
  for (const [name, count] of counts) if (count > most) [best, most] = [name, count];
  return best;
}

function readProfiles(): ReadonlyMap<string, number> {
  const bits = new Map<string, number>();
  for (const [i, name] of names.entries()) {
    for (const word of new Set(profiles[name]!.trim().split(/\s+/))) bits.set(word, (bits.get(word) ?? 0) | (1 << i));
  }
  return bits;
}
