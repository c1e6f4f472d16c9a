import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isVolatile } from './volatility.ts';

const soonOutOfDate = `
What is the weather in Oslo?
What's the weather like today
Will it rain tomorrow in Lisbon
Who is playing tonight at the arena
What time is it in Tokyo?
What day is it
Give me the latest news about the election
What are today's headlines
What is the current price of gold
current president of Brazil
Who is the current CEO of the company
What is the bitcoin price
How much is the share price of the railway company
What are the gas prices in Texas
What is the exchange rate between euro and yen
What's the score of the Lakers game
Who won the match last night
What happened yesterday in parliament
Is the museum open now
What is happening right now in Chile
Which films are trending this week
What events are on this weekend in Berlin
How many days until Christmas
How long until the next eclipse
What is the newest phone from the maker
What is the most recent stable version of the kernel
Any recent developments in fusion power
upcoming concerts in Madrid
What is the traffic report for the ring road
Is flight BA117 delayed? flight status please
weather forecast for Zurich
What is the current version of Node
current exchange rate dollar to pound
Which stocks are moving currently
What is the cost of living in Oslo at the moment
Wie ist das Wetter in Hamburg
Was kostet Gold heute
Wer ist derzeit Bundeskanzler
aktuelle Nachrichten aus der Schweiz
Quel temps fait-il aujourd'hui à Lyon
Quelle est la météo à Nice
Quel est le prix de l'or
Qué tiempo hace en Sevilla
¿Cuál es el precio del oro hoy?
Noticias de Argentina
Che tempo fa a Roma
Quali sono le notizie di oggi
Qual é o preço do ouro
Que horas são em Lisboa
Wat is het nieuws uit Brussel
Hoe laat is het in New York
Jaka jest pogoda w Krakowie
Какая сегодня погода в Киеве
Bugün hava nasıl
今天北京的天气怎么样
今日の天気は
오늘 서울 날씨 어때
`;

const lasting = `
What is the capital of France?
What is an electrical current
How do I measure current in a circuit with a multimeter
What is the difference between voltage and current
How much current does an LED draw
What causes ocean currents in the Atlantic
Explain alternating current and direct current
How do I print the current directory in bash
How do I get the current line number in vim
Delete the current branch in git
What is a current account in banking
Select the latest record per group in SQL
How do I revert the latest commit
How do I find the most recent file in a folder
Why should I not use the image myapp:latest
What does datetime.now() return in Python
How does Date.now work in JavaScript
What does NOW() do in MySQL
Now write a poem about the sea
Now that we have a graph, explain Dijkstra's algorithm
Who was Vincent Price, the actor
What is the price elasticity of demand
What is a price ceiling in economics
How do supply and demand determine prices
What is the consumer price index
How is a credit score calculated
What does an F1 score mean in machine learning
Who won the battle of Hastings
Who won the world cup in 1998
What is the difference between weather and climate
What does the idiom under the weather mean
What is a weather balloon
How do I spot fake news
Write a news article about a dragon
How do I train a demand forecast model
Who wrote the song "Yesterday"
What is the plot of "The Day After Tomorrow"
Where does the word knowledge come from
What is the meaning of snow in dreams
How do exchange rates work
What is a fixed exchange rate
What is the stock market crash of 1929
What happens at the breaking point of steel
What does least recently used mean
Write the letter by the 5th at the latest
What was the agora in ancient Greece
Tell me about the Monaco Grand Prix
Was ist ein elektrischer Strom
Wer bekam den Nobelpreis für Physik 1921
Wie wechsle ich ins aktuelle Verzeichnis
Qui a gagné le prix Nobel de physique en 1903
Cómo se dice gato en inglés
How do I boil an egg
Convert 5 miles to kilometres
Write a haiku about autumn leaves
Why is the sky blue
Explain the theory of relativity
How do I reset a forgotten password on Linux
What is a todo list
Summarise the plot of Hamlet
Is a tomato a fruit
法国的首都是哪里
東京タワーの高さは
`;

const lines = (table: string): string[] => table.trim().split('\n');

describe('volatility', () => {
  for (const text of lines(soonOutOfDate))
    it(`sees that it is soon out of date: ${text}`, () => assert.equal(isVolatile(text), true));
  for (const text of lines(lasting)) it(`sees that it lasts: ${text}`, () => assert.equal(isVolatile(text), false));

  it('ignores what people tell about themselves, and sees the question beside it', () => {
    assert.equal(isVolatile("I'm 15 right now. How do I learn to drive?"), false);
    assert.equal(isVolatile('I ate something bad yesterday. What helps against nausea?'), false);
    assert.equal(isVolatile('My rash is back today! Which cream is best for it?'), false);
    assert.equal(isVolatile('I live in Oslo. What is the weather today?'), true);
    assert.equal(isVolatile('Where can I watch the game tonight?'), true);
    assert.equal(isVolatile('Tell me about the traffic jams today.'), true);
    assert.equal(isVolatile('I want to know what happened today'), true);
  });

  it('ignores code and quotations, and sees the word beside them', () => {
    assert.equal(isVolatile('What does `SELECT now` do?'), false);
    assert.equal(isVolatile('Fix this:\n```py\nprice = weather(today)\n```'), false);
    assert.equal(isVolatile('Does `ls` list what changed today?'), true);
  });

  it('looks at the end of a long text, where the question stands', () => {
    const filler = 'The harvest was good that autumn. '.repeat(500);
    assert.equal(isVolatile(`${filler}What is the weather?`), true);
    assert.equal(isVolatile(`The weather was bad. ${filler}Who is the narrator?`), false);
  });

  it('is quick on hostile texts', () => {
    for (const text of ['now '.repeat(50_000), 'current '.repeat(50_000), '"'.repeat(100_001), '`'.repeat(100_001)]) {
      const beganMs = performance.now();
      isVolatile(text);
      assert.ok(performance.now() - beganMs < 1000, text.slice(0, 10));
    }
  });
});
