import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { featuresOf } from '../text/features.ts';
import { guards, type BuiltGuard } from './guards.ts';

const names = Object.keys(guards) as BuiltGuard[];

/** Pairs that must never share an answer, under the guard that has to see it. */
const traps: Readonly<Record<BuiltGuard, string>> = {
  number: `
    How far is 5 km? | How far is 50 km?
    How far is 5 km in steps? | How far is 5 miles in steps?
    What is 15% of 80? | What is 15 of 80?
    What is 20% of 80? | What is 25% of 80?
    Convert $5 to yen | Convert €5 to yen
    Convert 5 dollars to yen | Convert 5 euros to yen
    What happened in 1945? | What happened in 1954?
    What's new in Python 3.1? | What's new in Python 3.10?
    Is v1.2.3 safe to use? | Is v1.2.4 safe to use?
    What happened on 2024-01-05? | What happened on 2024-01-06?
    What happened on January 5, 2024? | What happened on January 5, 2023?
    Who was born on 5 May 1990? | Who was born on 6 May 1990?
    Who was the first president? | Who was the second president?
    Who won the 1st race? | Who won the 2nd race?
    List three fruits | List five fruits
    List 1,000 names | List 10,000 names
    Is one thousand a lot? | Is one million a lot?
    How long is twenty-one days? | How long is twenty-two days?
    What is two hundred and five times four? | What is two hundred and fifteen times four?
    Meet at 3pm or later? | Meet at 3am or later?
    Train leaves at 15:30, when does it arrive? | Train leaves at 15:45, when does it arrive?
    What is 7 plus -3? | What is 7 plus 3?
    Explain HTTP status 404 | Explain HTTP status 403
    How heavy is 10 kg? | How heavy is 10 lbs?
    Boil water at 100 celsius | Boil water at 100 fahrenheit
    How big is 5GB? | How big is 5MB?
    Run 5k in the morning | Run 10k in the morning
    Salary of 5k | Salary of 5 million
    Show me 1/2 of it | Show me 1/3 of it
    Summarize chapter 12 | Summarize chapter twelve and 13
  `,
  negation: `
    Should I take aspirin with alcohol? | Should I not take aspirin with alcohol?
    Is it safe to eat raw eggs? | Isn't it unsafe or never safe to eat raw eggs?
    Why does the code work? | Why doesn't the code work?
    Why can I log in? | Why can't I log in?
    Why can I log in? | Why cannot I log in?
    Which foods contain gluten? | Which foods contain no gluten?
    Pasta with tomatoes | Pasta without tomatoes
    All countries in Europe | All countries except France in Europe
    Which drugs can I mix? | Which drugs can I never mix?
    How do I avoid getting sunburnt? | How do I get sunburnt?
    How do I make the server restart? | How do I stop the server making a restart?
    How to prevent rust on iron | How to get rust on iron
    Do it unless it rains | Do it if it rains
    Nobody likes mondays, why? | Everybody likes mondays, why?
    Does he lack skill? | Does he have skill?
    Is none of this true? | Is some of this true?
    The test must pass | The test must not pass
    Will it snow tomorrow? | Won't it snow tomorrow?
    I dont like jazz, suggest music | I like jazz, suggest music
    Non vegetarian recipes | Vegetarian recipes
    Is neither answer right? | Is either answer right?
  `,
  antonym: `
    How do I enable 2FA? | How do I disable 2FA?
    Turn on dark mode | Turn off dark mode
    How to increase contrast | How to decrease contrast
    Sort in ascending order | Sort in descending order
    What is the maximum speed? | What is the minimum speed?
    Should I buy gold? | Should I sell gold?
    How do I encrypt a file? | How do I decrypt a file?
    How to upload a photo | How to download a photo
    How to install node | How to uninstall node
    Is it legal in Spain? | Is it illegal in Spain?
    What to eat before a run | What to eat after a run
    Push to the stack | Pop from the stack
    Open the file | Close the file
    Advantages of remote work: name one advantage | Disadvantages of remote work: name one disadvantage
    Add a user to a group | Remove a user from a group
    Who is the tallest player? | Who is the shortest player?
    The oldest city in Italy | The youngest city in Italy
    How to lock a thread | How to unlock a thread
    How to follow someone | How to unfollow someone
    Which way is clockwise? | Which way is counterclockwise?
    Why do prices rise? | Why do prices fall?
    Is this a valid email? | Is this an invalid email?
    Compress a folder | Decompress a folder
    Make the button visible | Make the button invisible
    Are these results reliable? | Are these results unreliable?
    How do I mount a disk? | How do I unmount a disk?
    Is the process reversible? | Is the process irreversible?
    Is the object mutable? | Is the object immutable?
    How to subscribe to a list | How to unsubscribe to a list
    Explain synchronous calls | Explain asynchronous calls
  `,
  order: `
    Convert USD to EUR | Convert EUR to USD
    Flights from Paris to London | Flights from London to Paris
    Cheap flights from paris to london | Flights from london to paris
    Is Python faster than Java? | Is Java faster than Python?
    is gold heavier than silver? | is silver heavier than gold?
    Translate from german into french | Translate from french into german
    Cats vs dogs as pets | Dogs vs cats as pets
    Does Alice love Bob? | Does Bob love Alice?
    Did Germany invade Poland? | Did Poland invade Germany?
    Change 5 to 10 in the file | Change 10 to 5 in the file
    What is 10 / 2? | What is 2 / 10?
    What is 7 - 3? | What is 3 - 7?
    Divide 100 by 4 | Divide 4 by 100
    Tea but not coffee | Coffee but not tea
    Milk without sugar | Sugar without milk
    Use tabs instead of spaces | Use spaces instead of tabs
    Should lunch come before dinner? | Should dinner come before lunch?
    Copy the file from disk to tape | Copy the file from tape to disk
    Bind the mouse to the keyboard | Bind the keyboard to the mouse
    Who beats whom, Federer or Nadal: does Federer beat Nadal? | Who beats whom, Nadal or Federer: does Nadal beat Federer?
    Merge main into dev | Merge dev into main
    Convert celsius to kelvin | Convert kelvin to celsius
  `,
  entity: `
    What is the capital of France? | What is the capital of Germany?
    Tell me about "Hamlet" | Tell me about "Macbeth"
    What does foo_bar do? | What does foo_baz do?
    What does the --force flag do? | What does the --dry-run flag do?
    Who founded IBM? | Who founded SAP?
    Summarize https://a.example/x | Summarize https://a.example/y
    What is useState in React? | What is useEffect in React?
    The weather in New York | The weather in New Orleans
  `,
  content: `
    what is the capital of france? | what is the capital of germany?
    Who is the president? | Who was the president?
    What is my name? | What is your name?
    How do I learn C? | How do I learn C++?
    How do I learn C++? | How do I learn C#?
    Why is the sky blue? | How is the sky blue?
    What is 7 + 3? | What is 7 * 3?
    What does :) mean? | What does :( mean?
    Can I eat mushrooms? | Should I eat mushrooms?
    Tell us about us | Tell us about US
    Is it a good idea to drink coffee? | Is it a good idea to drink tea?
    List fast animals | List faster animals
    Work from home | Work at home
    Cats and dogs | Cats or dogs
    a dog chases a cat | a cat chases a dog
    How many moons has Mars? | How many moons has Jupiter?
    Which cities are in Japan? | Which mountains are in Japan?
    What does != mean? | What does == mean?
    日本の首都はどこですか | 中国の首都はどこですか
  `,
};

/** Rewordings that ask the same. */
const benign = pairsOf(`
  What is the capital of France? | what is the capital of france
  What is the capital of France? | What's the capital of France?
  What is the capital of France? | whats the capital of France
  What is the capital of France? | Tell me the capital of France
  What is the capital of France? | Can you tell me the capital of France?
  What is the capital of France? | Please tell me the capital of France.
  What is the capital of France? | What is the capital of France, please?
  What is the capital of France? | Hi, what is the capital of France?
  What is the capital of France? | Hello! What is the capital of France? Thanks!
  What is the capital of France? | I would like to know the capital of France
  What is the capital of France? | Do you know the capital of France?
  How do I reverse a list in Python? | How to reverse a list in Python
  How do I reverse a list in Python? | How can I reverse a list in Python?
  How do I reverse a list in Python? | How do you reverse a list in Python?
  How do I reverse a list in Python? | how does one reverse a list in python
  How do I reverse a list in Python? | In Python, how do I reverse a list?
  How do I reverse a list in Python? | In python, how to reverse a list?
  How do I reverse a list in Python? | Can you tell me how to reverse a list in Python?
  How do I reverse a list in Python? | How do I reverse lists in Python?
  List three fruits | List 3 fruits
  List three fruits | Please list three fruits.
  List three fruits | Can you list three fruits?
  List twenty-five birds | List 25 birds
  Is 1,000 a lot? | Is 1000 a lot?
  Is 1000 a lot? | Is one thousand a lot?
  How far is 5 km? | How far is 5km?
  How far is 5 km? | How far is 5 kilometers?
  How far is five kilometres? | How far is 5 km?
  What is 15% of 80? | What is 15 percent of 80?
  Convert $5 to yen | Convert 5 dollars to yen
  What happened on 5 January 2024? | What happened on January 5, 2024?
  What happened on 5 January 2024? | What happened on Jan 5th 2024?
  What happened on January 5, 2024? | what happened on 2024-01-05
  Meet at 3pm or later? | Meet at 3 pm or later?
  Who was the first president? | Who was the 1st president?
  Who wrote Hamlet? | who wrote hamlet
  Who wrote Hamlet? | Who wrote "Hamlet"?
  Who wrote Hamlet? | Who wrote 'Hamlet'?
  Why can't I log in? | Why cannot I log in?
  Why can't I log in? | Why can’t I log in?
  Why can't I log in? | why cant i log in
  I don't like jazz, suggest music | I do not like jazz, suggest music
  I don't like jazz, suggest music | I dont like jazz, suggest music.
  Explain recursion | Explain recursion please
  Explain recursion | Can you explain recursion?
  Explain recursion | Could you explain recursion, please?
  Explain recursion | Hey, explain recursion
  Explain recursion | Would you explain recursion for me?
  Explain recursion | explain recursion!
  Explain recursion | Explain: recursion
  Write a poem about the sea | Write a poem about the sea.
  Write a poem about the sea | write poem about sea
  Write a poem about the sea | Please write a poem about the sea, thanks
  What are the benefits of exercise? | What are benefits of exercise?
  What are the benefits of exercise? | What is the benefit of exercise?
  Is Python faster than Java? | is python faster than java?
  Convert USD to EUR | convert usd to eur
  Convert USD to EUR | Please convert USD to EUR
  Flights from Paris to London | flights from Paris to London?
  Flights from Paris to London | flight from paris to london
  How to bake bread | How do I bake bread?
  How to bake bread | How to bake a bread
  How to bake bread | How do you bake bread?
  How to bake bread | how to bake bread???
  How to bake bread | I want to know how to bake bread
  How to bake bread | Tell me how to bake bread
  How to bake bread | Show me how to bake bread
  What colour is the sky? | What color is the sky?
  What is my favourite film? | What is my favorite film?
  What is a real-time system? | What is a real time system?
  Explain object-oriented programming | Explain object oriented programming
  Which planets have rings? | Which planet has rings?
  Which cities did he visit? | Which city did he visit?
  Why is the sky blue? | why is the sky blue ?
  Why is the sky blue? | Why's the sky blue?
  Why is the sky blue? | Ok so why is the sky blue?
  Where is the Eiffel Tower? | Where's the Eiffel Tower?
  Where is the Eiffel Tower? | where is the eiffel tower
  Who is Ada Lovelace? | Who's Ada Lovelace?
  How do I stop a container? | How can I stop a container?
  How do I stop a container? | How to stop containers
  How do I use the --force flag? | how to use the --force flag
  What does foo_bar do? | what does foo_bar do
  Is version 3.10 out? | is version 3.10 out?
  Summarize chapter 12 | Summarize chapter twelve
  Summarise this text | Summarize this text
  Tell me a joke | Tell me a joke please
  Tell me a joke | Give me a joke
  Tell me a joke | tell me jokes
  How many moons does Mars have? | How many moons does mars have
  Name the largest ocean | Name the largest ocean, please
  List the steps to make tea | List steps to make tea
  Compare cats and dogs | Compare a cat and a dog
  What causes rain? | what cause rain
  Using C++, how do I sort a vector? | How do I sort a vector using C++?
  For beginners, how do I invest money? | How do I invest money for beginners?
`);

describe('guards', () => {
  for (const guard of names) {
    it(`${guard}: vetoes every trap of its kind`, () => {
      const served = pairsOf(traps[guard]).filter(([a, b]) => !guards[guard](featuresOf(a), featuresOf(b)));
      assert.deepEqual(served, []);
    });
  }

  it('number, negation, antonym and order are tried on at least 80 traps', () => {
    const hard = [traps.number, traps.negation, traps.antonym, traps.order].flatMap((text) => pairsOf(text));
    assert.ok(hard.length >= 80, String(hard.length));
  });

  it('let rewordings pass', () => {
    assert.ok(benign.length >= 80, String(benign.length));
    const vetoed = benign
      .map(([a, b]) => ({ a, b, by: names.filter((name) => guards[name](featuresOf(a), featuresOf(b))) }))
      .filter(({ by }) => by.length > 0);
    assert.deepEqual(vetoed, []);
  });

  it('are symmetric, and never speak against a text and itself', () => {
    const all = [...names.flatMap((name) => pairsOf(traps[name])), ...benign].flat();
    const pieces =
      "not from to than five 5 1,000 3% $ Paris US enable unlock lock don't 5km May 12 :( / one and hundred how please In , . é 語 -";
    const word = fc.constantFrom('"x"', '5 km', ...pieces.split(' '));
    const text = fc.oneof(
      fc.constantFrom(...all),
      fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
      fc.string({ maxLength: 40 }),
    );
    fc.assert(
      fc.property(text, text, (one, other) => {
        const [a, b] = [featuresOf(one), featuresOf(other)];
        for (const name of names) {
          assert.equal(guards[name](a, b), guards[name](b, a), name);
          assert.equal(guards[name](a, a), false, name);
          assert.equal(guards[name](a, featuresOf(one)), false, name);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('take linear time on hostile texts', () => {
    for (const hostile of [
      '$',
      '-',
      '1,',
      '1-',
      "'",
      '_',
      'a-',
      'a.',
      '--a',
      ':',
      '" ',
      'not ',
      'http://',
      '(',
      '12:',
    ]) {
      const startedAt = performance.now();
      featuresOf(hostile.repeat(20_000));
      assert.ok(performance.now() - startedAt < 2_000, hostile);
    }
  });
});

/** Lines of `a | b`. */
function pairsOf(lines: string): [string, string][] {
  return lines
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+\|\s+/))
    .map(([a, b]) => [a!, b!]);
}
