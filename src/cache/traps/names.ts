/** Pairs that differ in a name, in the kind of answer asked for, or in a word that no list knows. */

export const entity = `
  What is the capital of France? | What is the capital of Germany?
  Tell me about "Hamlet" | Tell me about "Macbeth"
  Who founded IBM? | Who founded SAP?
  The weather in New York | The weather in New Orleans
  How do I get a visa for Japan? | How do I get a visa for China?
  Is the Louvre open late? | Is the Prado open late?
  Who is the CEO of Toyota? | Who is the CEO of Honda?
  How old is Madonna? | How old is Beyonce?
  When was Mozart born? | When was Haydn born?
  Does Ryanair refund cancelled flights? | Does Lufthansa refund cancelled flights?
  How do I reset my Gmail password? | How do I reset my Outlook password?
  How do I connect Slack to my calendar? | How do I connect Zoom to my calendar?
  Side effects of Ibuprofen | Side effects of Naproxen
  What are the opening hours in Berlin? | What are the opening hours in Munich?
  Which team does Messi play for? | Which team does Ronaldo play for?
  What is the plot of "Dune"? | What is the plot of "Emma"?
  How many people live in Chile? | How many people live in Peru?
  What does the WHO do? | What does the IMF do?
  Is Netflix available in Kenya? | Is Netflix available in Ghana?
  Who painted Guernica? | Who painted Sunflowers?
  How do I deploy to Azure? | How do I deploy to Heroku?
  What is the time zone of Perth? | What is the time zone of Sydney?
  Did Shakespeare write Othello? | Did Marlowe write Othello?
  How far is Mars? | How far is Venus?
  What language is spoken in Brazil? | What language is spoken in Angola?
  What is the population of Ohio? | What is the population of Iowa?
  Can I use my Visa card here? | Can I use my Amex card here?
`;

export const wh = `
  Who invented the telephone? | When was the telephone invented?
  Where was the telephone invented? | Who invented the telephone?
  How many people work here? | How much do people work here?
  How long is the river? | How old is the river?
  Why is the sky blue? | When is the sky blue?
  Why did the war start? | When did the war start?
  Where is the meeting? | When is the meeting?
  Who is the meeting with? | Where is the meeting with them?
  How do I renew my passport? | When do I renew my passport?
  How do I renew my passport? | Why do I renew my passport?
  How often should I water the plant? | How much should I water the plant?
  How far is the airport? | How big is the airport?
  What is a mortgage? | Why a mortgage?
  Which doctor should I see? | When should I see a doctor?
  How long does shipping take? | How much does shipping take?
  Where do bees live? | How long do bees live?
  Who pays for maternity leave? | How long is maternity leave?
  How tall is the tower? | How old is the tower?
  When should I feed the baby? | How should I feed the baby?
  Where can I park? | When can I park?
  Why is the server slow? | How slow is the server?
  Who can apply for a grant? | How do I apply for a grant?
  How many vacation days do I get? | When do I get vacation days?
  Is the museum free? | When is the museum free?
  Can I return the shoes? | Where can I return the shoes?
  What year did the wall fall? | Why did the wall fall?
`;

export const content = `
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
  How do I clean a wool coat? | How do I clean a leather coat?
  Can my dog eat grapes? | Can my dog eat apples?
  Can my dog eat grapes? | Can my cat eat grapes?
  How do I treat a burn? | How do I treat a cut?
  How do I report a stolen card? | How do I report a stolen phone?
  Can I take my bike on the bus? | Can I take my bike on the train?
  How long do I boil pasta? | How long do I boil potatoes?
  What is a stack? | What is a queue?
  How do I sort an array? | How do I sort a map?
  Who approves my vacation? | Who approves my expenses?
  Is green tea good for sleep? | Is green tea good for skin?
  How do I delete my account? | How do I delete my message?
  What is the deadline for students? | What is the deadline for teachers?
  Must I pay tax on gifts? | Must I pay tax on tips?
  Is sugar bad for teeth? | Is sugar bad for children?
  Write a poem about rain | Write a story about rain
  Symptoms of flu in babies | Symptoms of flu in adults
  How do I change the brake pads? | How do I change the brake fluid?
  Can you freeze milk? | Can you freeze cream?
  What do bees do? | What are bees?
  What is a plan? | What is a plane?
  What is a bank? | What is banking?
  Why is the wolf hunted? | Why is the wolf hunting?
  How do you feel? | How do I feel?
  Where do you live? | Where do I live?
  What is the meaning of life? | What is life?
  Explain my bill | What is my bill?
  Is well water safe? | Is water safe?
  Who is paying? | Who is paid?
  What does the red light mean? | What is the red light?
  Is there new legislation? | Is there news legislation?
  What do you do? | What are you?
  How do I ask for help? | How do I ask?
  Is the shop closing? | Is the shop closed?
  What does my manager do? | What is my manager?
  How long is a goods train? | How long is a good train?
`;
