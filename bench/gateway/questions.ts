/**
 * Questions by number, so that the loader of the cache and the load generator agree on them without
 * exchanging a list. Two numbers below `storedMax` never give the same words.
 */

const verbs =
  'clean repair replace paint measure move open close lift fold wash dry polish label store sort weigh lock heat cool ' +
  'charge reset align tighten loosen cover insulate drain fill test inspect calibrate ship insure rent photograph ' +
  'describe sharpen balance decorate';
const nouns =
  'handle hinge cable filter battery window drawer wheel mirror pump valve motor switch screen cover belt spring ' +
  'bracket panel lamp sensor gasket bolt chain pedal seat engine nozzle tank hose fan blade cushion strap zipper ' +
  'pocket roof wall floor gate ladder shelf basket lid pipe socket fuse relay dial knob';
const things =
  'bicycle greenhouse caravan piano aquarium tractor oven dishwasher sailboat telescope wardrobe printer scooter ' +
  'tent fridge sauna workshop balcony garage cellar trailer canoe harp guitar drum loom kiln forge mill press crane ' +
  'wagon sledge kayak raft glider drone robot lathe saw drill grinder mixer blender toaster kettle stove chimney fountain hammock';

const words = [verbs, nouns, things].map((list) => list.split(' ')) as [string[], string[], string[]];
const [verbList, nounList, thingList] = words;

/** As many questions as there are combinations of a verb, a noun and a thing. */
export const storedMax = verbList.length * nounList.length * thingList.length;

/** Question `n` as it was asked first. */
export function storedQuestion(n: number): string {
  const { verb, noun, thing } = parts(n);
  return `How do I ${verb} the ${noun} of my ${thing}?`;
}

/** The same question in other words: content words agree, filler words do not. */
export function otherWording(n: number): string {
  const { verb, noun, thing } = parts(n);
  return `How can I ${verb} the ${noun} of my ${thing}?`;
}

/** A question nobody asked: near stored ones, so that a lookup goes all its way, and told apart by its number. */
export function newQuestion(n: number): string {
  const { verb, noun, thing } = parts(n % storedMax);
  return `How do I ${verb} the ${noun} of my ${thing} with part ${100_000 + n}?`;
}

function parts(n: number): { verb: string; noun: string; thing: string } {
  if (!(n >= 0 && n < storedMax)) throw new RangeError(`question ${n}; expected a number in [0, ${storedMax})`);
  const verb = n % verbList.length;
  const noun = Math.floor(n / verbList.length) % nounList.length;
  const thing = Math.floor(n / (verbList.length * nounList.length));
  return { verb: verbList[verb]!, noun: nounList[noun]!, thing: thingList[thing]! };
}

export const benchModel = 'qwen2:7b-instruct-q6_K';

/** Body of `POST /api/chat`, as a client writes it. */
export function chatBody(question: string, stream: boolean): string {
  return JSON.stringify({
    model: benchModel,
    messages: [{ role: 'user', content: question }],
    stream,
    options: { temperature: 0 },
  });
}
