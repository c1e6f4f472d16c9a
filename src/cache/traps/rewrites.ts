/** Rewordings that ask the same, by what was changed: both sides may share an answer. */

export const contraction = `
  What is the capital of France? | What's the capital of France?
  What is the capital of France? | whats the capital of France
  Why can't I log in? | Why cannot I log in?
  Why can't I log in? | Why can’t I log in?
  Why can't I log in? | why cant i log in
  I don't like jazz, suggest music | I do not like jazz, suggest music
  I don't like jazz, suggest music | I dont like jazz, suggest music.
  Where is the Eiffel Tower? | Where's the Eiffel Tower?
  Who is Ada Lovelace? | Who's Ada Lovelace?
  Why is the sky blue? | Why's the sky blue?
  Why doesn't my code work? | Why does my code not work?
  Why isn't the printer working? | Why is the printer not working?
  Why don't I get an invoice? | Why do I not get an invoice?
  Isn't it too late to apply? | Is it not too late to apply?
  What shouldn't I eat before surgery? | What should I not eat before surgery?
  I'm allergic to nuts, what can I bake? | I am allergic to nuts, what can I bake?
  I've lost my card, what now? | I have lost my card, what now?
  They're late, can I get a refund? | They are late, can I get a refund?
  How's the weather in spring? | How is the weather in spring?
  What's the notice period? | What is the notice period?
  Won't my visa expire? | Will my visa not expire?
  Why hasn't my order arrived? | Why has my order not arrived?
  Can't we work from home? | Cannot we work from home?
`;

export const polite = `
  What is the capital of France? | Can you tell me the capital of France?
  What is the capital of France? | Please tell me the capital of France.
  What is the capital of France? | What is the capital of France, please?
  What is the capital of France? | Hello! What is the capital of France? Thanks!
  Explain recursion | Explain recursion please
  Explain recursion | Can you explain recursion?
  Explain recursion | Could you explain recursion, please?
  Explain recursion | Would you explain recursion for me?
  Write a poem about the sea | Please write a poem about the sea, thanks
  Convert USD to EUR | Please convert USD to EUR
  List three fruits | Please list three fruits.
  List three fruits | Can you list three fruits?
  Tell me a joke | Tell me a joke please
  Name the largest ocean | Name the largest ocean, please
  Where can I park? | Excuse me, where can I park?
  How do I reset my password? | Could you please tell me how to reset my password? Thank you
  Summarize this contract | Would you be so kind as to summarize this contract?
  Is the office open today? | Hi there, is the office open today?
  How long do I boil eggs? | Good morning, how long do I boil eggs?
  How do I file a tax return? | How do I file a tax return? Many thanks
  Recommend a book on Rome | Kindly recommend a book on Rome
  Suggest a vegan dinner | I would like you to suggest a vegan dinner
  What is a fixed rate mortgage? | What is a fixed rate mortgage? Thanks in advance
  How do I merge two branches? | How do I merge two branches, if possible?
`;

export const letterCase = `
  What is the capital of France? | what is the capital of france
  Who wrote Hamlet? | who wrote hamlet
  Is Python faster than Java? | is python faster than java?
  Convert USD to EUR | convert usd to eur
  Where is the Eiffel Tower? | where is the eiffel tower
  How many moons does Mars have? | How many moons does mars have
  Flights from Paris to London | flight from paris to london
  Why is the sky blue? | WHY IS THE SKY BLUE?
  How do I learn Spanish? | how do i learn spanish?
  What is a Mortgage? | what is a mortgage?
  How To Cook Rice | How to cook rice
  What does DNA stand for? | what does dna stand for?
  Can I bring my dog to Spain? | Can I bring my Dog to Spain?
  Is Java still used? | is JAVA still used?
  When is Christmas Day? | when is christmas day?
  Symptoms of Flu | symptoms of flu
  How do I use React hooks? | how do i use react hooks?
  What is the GDP of Norway? | what is the gdp of norway?
`;

export const punctuation = `
  What is the capital of France? | What is the capital of France
  Explain recursion | explain recursion!
  Explain recursion | Explain: recursion
  Write a poem about the sea | Write a poem about the sea.
  Flights from Paris to London | flights from Paris to London?
  How to bake bread | how to bake bread???
  Why is the sky blue? | why is the sky blue ?
  Who wrote Hamlet? | Who wrote "Hamlet"?
  Who wrote Hamlet? | Who wrote 'Hamlet'?
  What is a real-time system? | What is a real time system?
  Explain object-oriented programming | Explain object oriented programming
  Is version 3.10 out? | is version 3.10 out?
  What does foo_bar do? | what does foo_bar do
  How do I clean a suede jacket? | How do I clean a suede jacket...
  Best pasta, rice and bread recipes | Best pasta, rice, and bread recipes
  Can I eat eggs every day? | Can I eat eggs every day?!
  What is a part-time contract? | What is a part time contract?
  How do I write a cover letter? | How do I write a cover-letter?
  What does git push do? | What does \`git push\` do?
  How do I call map() in a loop? | How do I call map in a loop?
  When do I need a visa? | When do I need a visa ?!
`;

export const spelling = `
  What colour is the sky? | What color is the sky?
  What is my favourite film? | What is my favorite film?
  Summarise this text | Summarize this text
  How do I organise a meeting? | How do I organize a meeting?
  Is grey paint cheaper? | Is gray paint cheaper?
  How far is the city centre? | How far is the city center?
  How do I optimise a query? | How do I optimize a query?
  How do I apologise to a customer? | How do I apologize to a customer?
  What is good behaviour at work? | What is good behavior at work?
  How do I cash a cheque? | How do I cash a check?
  What causes anaemia? | What causes anemia?
  How do I analyse a text? | How do I analyze a text?
  What is aluminium used for? | What is aluminum used for?
  My flight was cancelled, what now? | My flight was canceled, what now?
  How do I change a tyre? | How do I change a tire?
  How do I serialise an object? | How do I serialize an object?
  Is travelling alone safe? | Is traveling alone safe?
  What is a driving licence? | What is a driving license?
  How many kilometres are 5 miles? | How many kilometers are 5 miles?
  Which yoghurt has no sugar? | Which yogurt has no sugar?
`;

export const numerals = `
  List three fruits | List 3 fruits
  List twenty-five birds | List 25 birds
  Is 1,000 a lot? | Is 1000 a lot?
  Is 1000 a lot? | Is one thousand a lot?
  How far is 5 km? | How far is 5km?
  How far is 5 km? | How far is 5 kilometers?
  How far is five kilometres? | How far is 5 km?
  What is 15% of 80? | What is 15 percent of 80?
  What is 15% of 80? | What is 15 per cent of 80?
  Convert $5 to yen | Convert 5 dollars to yen
  Convert $5 to yen | Convert USD 5 to yen
  Convert $5 to yen | Convert $5.00 to yen
  What happened on 5 January 2024? | What happened on January 5, 2024?
  What happened on 5 January 2024? | What happened on Jan 5th 2024?
  What happened on January 5, 2024? | what happened on 2024-01-05
  What is due on June 3rd 2025? | What is due on 3 June 2025?
  Meet at 3pm or later? | Meet at 3 pm or later?
  Is the shop open at 15:00? | Is the shop open at 3 pm?
  Who was the first president? | Who was the 1st president?
  Summarize the twenty-first amendment | Summarize the 21st amendment
  Summarize chapter 12 | Summarize chapter twelve
  Can a family of five share a room? | Can a family of 5 share a room?
  What is new in Python 3.12? | What is new in Python3.12?
  How do I use GPT-4? | How do I use GPT4?
  Is a salary of 60k good? | Is a salary of 60,000 good?
  Exercises for ages 5-7 | Exercises for ages 5 to 7
  Is v2.1 stable? | Is version 2.1 stable?
  Is $2m enough to retire? | Is $2 million enough to retire?
  A dozen eggs cost how much? | 12 eggs cost how much?
  Is the bank open on Mondays? | Is the bank open on Monday?
`;

export const wordOrder = `
  How do I reverse a list in Python? | In Python, how do I reverse a list?
  How do I reverse a list in Python? | In python, how to reverse a list?
  Using C++, how do I sort a vector? | How do I sort a vector using C++?
  For beginners, how do I invest money? | How do I invest money for beginners?
  What is the difference between cats and dogs? | What is the difference between dogs and cats?
  Difference between TCP and UDP | Difference between UDP and TCP
  Compare apples and oranges | Compare oranges and apples
  Compare Postgres with MySQL | Compare MySQL and Postgres
  What is the distance between Rome and Oslo? | What is the distance between Oslo and Rome?
  Is the bank open today? | Today, is the bank open?
  With a visa, can I work? | Can I work with a visa?
  In Germany, how do I register a car? | How do I register a car in Germany?
  On Linux, how do I list open ports? | How do I list open ports on Linux?
  Please, what is a noun? | What is a noun, please?
  In winter, what should I plant? | What should I plant in winter?
`;

export const filler = `
  What is the capital of France? | Hi, what is the capital of France?
  Explain recursion | Hey, explain recursion
  Why is the sky blue? | Ok so why is the sky blue?
  Write a poem about the sea | write poem about sea
  What are the benefits of exercise? | What are benefits of exercise?
  How to bake bread | How to bake a bread
  List the steps to make tea | List steps to make tea
  How do I clear my cache? | So how do I actually clear my cache?
  What is a closure? | What exactly is a closure?
  What is a closure? | What is a closure really?
  How do taxes work? | Just how do taxes work?
  Can I freeze bread? | Well, can I freeze bread?
  How do I tie a tie? | Quick question: how do I tie a tie?
  Is coffee bad for me? | Um, is coffee bad for me?
  How do I get a refund? | Sorry, how do I get a refund?
  What is overtime pay? | Basically, what is overtime pay?
  When are exams held? | By the way, when are exams held?
  What are some good hiking boots? | What are good hiking boots?
  I have a question. Can I return worn shoes? | Can I return worn shoes?
  Can you help me? My package is lost. | My package is lost.
  Pros & cons of a standing desk | Pros and cons of a standing desk
  Which bus goes downtown? | Okay, which bus goes downtown?
`;

export const asking = `
  What is the capital of France? | Tell me the capital of France
  What is the capital of France? | I would like to know the capital of France
  What is the capital of France? | Do you know the capital of France?
  How do I reverse a list in Python? | How to reverse a list in Python
  How do I reverse a list in Python? | How can I reverse a list in Python?
  How do I reverse a list in Python? | How do you reverse a list in Python?
  How do I reverse a list in Python? | how does one reverse a list in python
  How do I reverse a list in Python? | Can you tell me how to reverse a list in Python?
  How to bake bread | How do I bake bread?
  How to bake bread | I want to know how to bake bread
  How to bake bread | Tell me how to bake bread
  How to bake bread | Show me how to bake bread
  How do I stop a container? | How can I stop a container?
  How do I use the --force flag? | how to use the --force flag
  Tell me a joke | Give me a joke
  What is recursion? | Explain recursion
  What is recursion? | Define recursion
  What does recursion mean? | What is recursion?
  What is the meaning of recursion? | What is recursion?
  What is the definition of inflation? | What is inflation?
  What is meant by inflation? | What is inflation?
  What do you mean by a hedge fund? | What is a hedge fund?
  What are some ways to save water? | How can I save water?
  What is the way to fold a fitted sheet? | How do I fold a fitted sheet?
  Which is the fastest train? | What is the fastest train?
  What would be a good gift for a nurse? | What is a good gift for a nurse?
  How does a vaccine work? | Explain how a vaccine works
  Why is the sea salty? | Tell me why the sea is salty
  Explain the difference between a virus and a worm | What is the difference between a virus and a worm?
  Where can I buy stamps? | Where do I buy stamps?
  Where can I buy stamps? | Where to buy stamps?
  What are the symptoms of flu? | List the symptoms of flu
  What are the symptoms of flu? | Tell me the symptoms of flu
  When is the deadline? | Can you tell me when the deadline is?
  How do I apply for leave? | I need to know how to apply for leave
  What is a stock split? | Can someone explain a stock split?
  What is a stock split? | I was wondering what a stock split is
  How do I update my address? | Any idea how to update my address?
  Is rice gluten free? | Do you know if rice is gluten free?
  What are the rules of chess? | Give me the rules of chess
`;

export const inflection = `
  How do I reverse a list in Python? | How do I reverse lists in Python?
  What are the benefits of exercise? | What is the benefit of exercise?
  How do I stop a container? | How to stop containers
  Tell me a joke | tell me jokes
  Which planets have rings? | Which planet has rings?
  Which cities did he visit? | Which city did he visit?
  Compare cats and dogs | Compare a cat and a dog
  What causes rain? | what cause rain
  How do I clean a carpet? | How do I clean carpets?
  Best way to store potatoes | Best ways to store potatoes
  What is a good gift for a teacher? | What are good gifts for a teacher?
  What is a symptom of anxiety? | What are the symptoms of anxiety?
  How do I train a puppy? | How do I train puppies?
`;

/** A letter lost or swapped; only a learned score may reuse these, as `form` and `from` differ by as little. */
export const typo = `
  What is the capital of France? | What is the captial of France?
  How do I cancel my subscription? | How do I cancel my subscribtion?
  What is a mortgage? | What is a morgage?
  How do I learn Spanish? | How do I lear Spanish?
  When is the deadline? | When is the dedline?
  What are the symptoms of flu? | What are the symtoms of flu?
  How do I receive a refund? | How do I recieve a refund?
  Is rice gluten free? | Is rice glutten free?
  How do I reset my password? | How do I reset my pasword?
  What is a definite article? | What is a definate article?
`;
