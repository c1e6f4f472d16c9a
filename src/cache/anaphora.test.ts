import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { leansOnEarlierTurns } from './anaphora.ts';

const leaning = `
and in Paris?
And what about Berlin?
what about the second largest city in Spain
How about for a family of four with two dogs
same for a cast iron pan please
Same with red wine instead of white wine
But why would anyone buy a diesel car then
Or should I use a wooden spoon for stirring
Also list the main rivers of the country
continue
Please continue with the story of the dragon
Go on
more
Tell me more about the French Revolution
Give me another example of a metaphor
Can you list 5 more capital cities in Africa
again, but with shorter sentences
Rephrase for a ten year old child
Why?
How so?
Which one?
In French
What is it made of and where does the material come from
How old is she and where was she born
Where did he study physics before the war
What are their main exports to Europe
Who painted them and in which century
Does it work on Windows with an old graphics card
How much does it cost to repair in a garage
Explain that in simpler words for my grandmother
What does that mean for small companies in Europe
Why is that important for the economy
That sounds wrong, check the second step carefully
Translate this into German for my manager
Summarize these in three bullet points for slides
Are those suitable for children under three years
Which is cheaper to run over ten years
Which of them has the best fuel economy
Is the second one better for hot climates
Compare the first option with cloud hosting costs
Use the latter approach and write unit tests
What did you mention about unit testing frameworks
Shorten your previous answer to fifty words max
Rewrite the last paragraph with a friendlier tone
As mentioned above, what are the tax consequences
Do you think so when interest rates are rising
What else should a beginner gardener plant in spring
Who else worked on the Manhattan project in Chicago
Write the function without a for loop instead
Is there such a rule in Portugal too
yes, with the blue background and white letters
No, I meant the river in Germany not France
Was ist mit den Kosten für den Umbau im Winter
Und wie ist das Wetter im Winter in den Alpen
Wie viel kostet es im Jahr mit der Versicherung
Welche Farbe haben diese Blumen im Sommer in der Natur
Was kann man dagegen im Alltag mit der Familie tun
Et pour les enfants de moins de dix ans
Pourquoi est-ce que cette méthode est plus rapide dans le cloud
Comment est-ce qu'elle a appris le piano avec les enfants
Y para los niños de menos de diez años
Por qué es eso importante para la economía de México
Cuándo nació ella y en qué ciudad de la costa
E per i bambini con meno di dieci anni
Quando è nata questa città e chi la ha fondata
E para as crianças com menos de dez anos
Por que isso é importante para a economia do Brasil
En voor de kinderen van de buren op zaterdag
Waarom is deze stad zo belangrijk voor de handel
那巴黎呢
它的首都有多少人口,面积有多大
それについてもう少し詳しく教えてください
`;

const standing = `
What is the capital of France?
How do I boil an egg without cracking the shell
Is it safe to eat raw cookie dough from a shop
How long does it take to boil an egg at sea level
Is it legal to fly a drone over a private garden
Write a function that returns the largest of three numbers
Prove that the square root of two is irrational
What is the difference between TCP and UDP
Explain how photosynthesis works in desert plants
List five rivers in South America by length
Which is faster, a train or a car on short trips
Who wrote the novel Pride and Prejudice
Translate this to French: I like cats and dogs
Summarize this text: The quick brown fox jumps over the lazy dog
What is the boiling point of water in Fahrenheit
How does an IT department handle lost laptops
How do I copy a file from one folder to another folder in Linux
Is gold more valuable than silver by weight
What happened this year in space exploration missions
Convert 5 kilometres to miles rounded down
Why do leaves change colour in autumn
Give me a recipe for vegetable lasagna
What is the population of Tokyo
How does a continue statement work in Python loops
What is a logical AND gate in digital electronics
Recommend three science fiction novels about Mars
What are the symptoms of iron deficiency in adults
How many bones does an adult human skeleton have
Describe the water cycle for primary school pupils
What causes the tides of the sea
So how do I install Docker on Ubuntu server
Okay, what is the capital of Australia
Was ist die Hauptstadt von Frankreich
Wie lange muss man ein Ei im Wasser kochen
Quelle est la capitale de la France
Comment faire cuire un oeuf dans de l'eau bouillante
Cuál es la capital de Francia
Cómo se prepara una tortilla de patatas
Qual è la capitale della Francia
Qual é a capital da França
Wat is de hoofdstad van Frankrijk
法国的首都是哪里,有多少人口
東京の人口は何人ですか教えてください
`;

const lines = (table: string): string[] => table.trim().split('\n');

describe('anaphora', () => {
  for (const text of lines(leaning))
    it(`sees that it leans on earlier turns: ${text}`, () => assert.equal(leansOnEarlierTurns(text), true));
  for (const text of lines(standing))
    it(`sees that it stands by itself: ${text}`, () => assert.equal(leansOnEarlierTurns(text), false));

  it('does not depend on capitals, closing marks or typographic apostrophes', () => {
    for (const text of [...lines(leaning), ...lines(standing)]) {
      if (/\bIT\b/.test(text)) continue;
      const leans = leansOnEarlierTurns(text);
      assert.equal(leansOnEarlierTurns(text.toLowerCase()), leans, text);
      assert.equal(leansOnEarlierTurns(`${text.replace(/[?.!]$/, '')}!`), leans, text);
      assert.equal(leansOnEarlierTurns(text.replaceAll("'", '’')), leans, text);
    }
  });

  it('takes code that comes along as what is pointed at', () => {
    assert.equal(leansOnEarlierTurns('Fix this function:\n```js\nconst a = 1;\nconsole.log(b);\n```'), false);
    assert.equal(leansOnEarlierTurns('Fix this function'), true);
  });

  it('is quick on long and on hostile texts', () => {
    for (const text of [
      'a '.repeat(50_000),
      'it is '.repeat(20_000),
      ' '.repeat(100_000),
      'which is '.repeat(10_000),
    ]) {
      const beganMs = performance.now();
      leansOnEarlierTurns(text);
      assert.ok(performance.now() - beganMs < 2000, `${text.slice(0, 10)}… took ${performance.now() - beganMs} ms`);
    }
  });
});
