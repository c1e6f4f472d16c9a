/** Pairs that differ in the language, in the form of the answer or in code alone. */

export const language = `
  What is the capital of France? | Quelle est la capitale de la France ?
  How do I cancel my subscription? | Wie kann ich mein Abonnement kündigen?
  How do I cancel my subscription? | ¿Cómo puedo cancelar mi suscripción?
  How do I cancel my subscription? | Como posso cancelar a minha assinatura?
  Where is the train station? | Dove si trova la stazione del treno?
  Where is the train station? | Waar is het station van de trein?
  How do I bake bread? | Hur bakar jag ett bröd?
  How do I bake bread? | Jak upiec chleb w domu i co jest do tego potrzebne?
  What is the weather like today? | 今日の天気はどうですか
  What is the weather like today? | 今天天气怎么样
  What is the weather like today? | 오늘 날씨가 어때요
  What is the weather like today? | Какая сегодня погода?
  What is the weather like today? | كيف الطقس اليوم
  What is the weather like today? | आज मौसम कैसा है
  What is the weather like today? | Ποιος είναι ο καιρός σήμερα;
  What is the weather like today? | מה מזג האוויר היום
  What is the weather like today? | วันนี้อากาศเป็นอย่างไร
  Comment puis-je faire du pain ? | Wie kann ich ein Brot backen?
  Comment puis-je faire du pain ? | ¿Cómo puedo hacer el pan?
  Wo ist der nächste Bahnhof? | Waar is het dichtstbijzijnde station?
  ¿Dónde está la estación más cercana? | Onde é a estação mais próxima de você?
  ¿Dónde está la estación más cercana? | Dove è la stazione più vicina per il centro?
  Que dois-je faire avec un contrat ? | Was soll ich mit einem Vertrag machen?
  How much does the ticket cost? | Kolik to stojí a jak se dostanu do centra?
  How much does the ticket cost? | Bu bilet ne kadar ve nasıl alabilirim?
  How much does the ticket cost? | Paljonko lippu maksaa ja mistä voin ostaa se on?
  How much does the ticket cost? | Cât este biletul și unde pot să cumpăr?
  東京の天気はどうですか | 东京的天气怎么样
  Какая погода в Москве? | What is the weather in Moscow?
`;

export const format = `
  Explain recursion | Explain recursion in one word
  Explain recursion in one sentence | Explain recursion in three sentences
  Explain recursion in 50 words | Explain recursion in 200 words
  List the planets as JSON | List the planets as CSV
  List the planets | List the planets as a table
  List the planets in a table | List the planets in bullet points
  Translate this to French: good morning | Translate this to German: good morning
  How do I say thank you in Spanish? | How do I say thank you in Italian?
  Answer in English: what is DNA? | Answer in Dutch: what is DNA?
  Explain gravity for a child | Explain gravity for an expert
  Explain gravity | Explain gravity like I'm five
  Explain taxes to a beginner | Explain taxes to a professional
  Describe my product in a formal tone | Describe my product in a friendly tone
  Describe my product briefly | Describe my product in detail
  Write about autumn | Write about autumn as a haiku
  Write about autumn as a poem | Write about autumn as a story
  How do I solve this equation? | How do I solve this equation step by step?
  Give me a summary in two paragraphs | Give me a summary in four paragraphs
  Is the earth round? | Is the earth round? Answer yes or no
  Reply to the customer politely | Reply to the customer casually
  Show the result in YAML | Show the result in XML
  Sort a list with comments | Sort a list without comments
  Tell me about Rome in simple words | Tell me about Rome in technical words
  Explain inflation with an example | Explain inflation
  Explain inflation like a pirate | Explain inflation like a lawyer
  Write the announcement in uppercase | Write the announcement in lowercase
  Name the largest city, only the name | Name the largest city
  Explain vaccines with sources | Explain vaccines without jargon
  Translate the menu from Italian to English | Translate the menu from Italian to Polish
  Summarize the meeting in five bullet points | Summarize the meeting in ten bullet points
  Return the address as markdown | Return the address as HTML
  Write a rhyming text about tea | Write a serious text about tea
`;

export const code = `
  What is useState in React? | What is useEffect in React?
  What does the --force flag do? | What does the --dry-run flag do?
  What does foo_bar do? | What does foo_baz do?
  Summarize https://a.example/x | Summarize https://a.example/y
  What does grep -v do? | What does grep -V do?
  What does tar -x do? | What does tar -c do?
  How do I edit /etc/hosts? | How do I edit /etc/fstab?
  What is in package.json? | What is in tsconfig.json?
  How does str.split work? | How does str.strip work?
  What does map() return? | What does filter() return?
  When do I use == in a test? | When do I use === in a test?
  What does && mean in a shell? | What does || mean in a shell?
  Fix NullPointerException in my app | Fix ClassCastException in my app
  Why do I get a TypeError here? | Why do I get a ValueError here?
  What is MAX_RETRIES for? | What is MIN_RETRIES for?
  How do I set $JAVA_HOME? | How do I set $MAVEN_HOME?
  What does error 0x80070005 mean? | What does error 0x80070057 mean?
  What does error E1101 mean in lint? | What does error E1102 mean in lint?
  What does ERR_CONNECTION_RESET mean? | What does ERR_CONNECTION_REFUSED mean?
  How do I sort a list in Python? | How do I sort a list in JavaScript?
  Read a file in java | Read a file in kotlin
  How do I open C:\\Temp? | How do I open C:\\Users?
  What does src/main.ts export? | What does src/index.ts export?
  Explain arr.length | Explain arr.size
  Difference of getElementById and others | Difference of querySelector and others
  Is www.shop.example down? | Is www.store.example down?
  How do I run npm install --save? | How do I run npm install --save-dev?
  What does the -> operator do? | What does the => operator do?
  Who can see @Override in the docs? | Who can see @Deprecated in the docs?
  What does setTimeout do? | What does setInterval do?
  How do I use rm -r safely? | How do I use rm -rf safely?
  Translate to German: a dog | Translate to German: the dog
  Correct this sentence: He are nice | Correct this sentence: He is nice
  How many letters are in the word dogs? | How many letters are in the word dog?
  Is hello capitalised? | Is Hello capitalised?
  Spell colour | Spell color
  Reverse the string cats | Reverse the string cat
  What is the plural of dog? | What is the plural of dogs?
  What does a mean? | What does an mean?
  What does please mean? | What does really mean?
  What does ; do in C? | What does : do in C?
  What does \`,\` mean? | What does \`;\` mean?
  Compute 5! | Compute 5
  Evaluate (a or b) and c | Evaluate a or (b and c)
  What does [a, b] return? | What does (a, b) return?
  Explain a[i] | Explain a(i)
  What does print(x) show? | What does print("x") show?
  Convert 5 Mb to GB | Convert 5 MB to GB
  What is the formula of CO? | What is the formula of Co?
  What is polish? | What is Polish?
  Who sang "The One"? | Who sang "One"?
  What is vitamin A? | What is vitamin?
  It is raining | Is it raining
  You like it. | You like it?
  How long is 5"? | How long is 5'?
`;
