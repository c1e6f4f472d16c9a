/** Pairs that differ in a number, a unit, a currency, a date or a version alone. */

export const number = `
  How far is 5 km? | How far is 50 km?
  What is 20% of 80? | What is 25% of 80?
  What happened in 1945? | What happened in 1954?
  Who was the first president? | Who was the second president?
  Who won the 1st race? | Who won the 2nd race?
  List three fruits | List five fruits
  List 1,000 names | List 10,000 names
  Is one thousand a lot? | Is one million a lot?
  How long is twenty-one days? | How long is twenty-two days?
  What is two hundred and five times four? | What is two hundred and fifteen times four?
  What is 7 plus -3? | What is 7 plus 3?
  Explain HTTP status 404 | Explain HTTP status 403
  Run 5k in the morning | Run 10k in the morning
  Salary of 5k | Salary of 5 million
  Show me 1/2 of it | Show me 1/3 of it
  Summarize chapter 12 | Summarize chapter twelve and 13
  Bake the cake at 180 degrees | Bake the cake at 160 degrees
  My flight has 2 stops, may I leave the airport? | My flight has 3 stops, may I leave the airport?
  Can a 14 year old work in a shop? | Can a 16 year old work in a shop?
  How many eggs for a cake for 6 people? | How many eggs for a cake for 12 people?
  What is the monthly payment on a loan over 15 years? | What is the monthly payment on a loan over 30 years?
  Give me a workout for 4 days a week | Give me a workout for 6 days a week
  How much paracetamol may I take in 24 hours? | How much paracetamol may I take in 48 hours?
  What does exit code 1 mean? | What does exit code 137 mean?
  Which port is 5432 used for? | Which port is 3306 used for?
  My order 48211 has not arrived | My order 48212 has not arrived
  Suggest gifts between 20 and 50 dollars | Suggest gifts between 50 and 100 dollars
  Exercises for ages 5-7 | Exercises for ages 8-10
  Explain article 13 of the contract | Explain article 31 of the contract
  Summarize the twenty-first amendment | Summarize the twenty-second amendment
  Is a GPA of 3.2 enough? | Is a GPA of 3.7 enough?
  How do I split a bill among seven friends? | How do I split a bill among eight friends?
  How do I round 2.345 to cents? | How do I round 2.354 to cents?
  Change 5 to 10 in the file | Change 10 to 5 in the file
  Can I retire at sixty? | Can I retire at seventy?
`;

export const unit = `
  How far is 5 km in steps? | How far is 5 miles in steps?
  What is 15% of 80? | What is 15 of 80?
  How heavy is 10 kg? | How heavy is 10 lbs?
  Boil water at 100 celsius | Boil water at 100 fahrenheit
  How big is 5GB? | How big is 5MB?
  How tall is 180 cm? | How tall is 180 mm?
  Add 2 cups of milk | Add 2 tablespoons of milk
  Is 30 mg of iron too much? | Is 30 g of iron too much?
  How far can I walk in 20 minutes? | How far can I walk in 20 hours?
  Can I drive 100 km/h here? | Can I drive 100 mph here?
  My notice period is 4 weeks, when may I leave? | My notice period is 4 months, when may I leave?
  Is 50 kg of luggage allowed? | Is 50 lb of luggage allowed?
  How long does a 500 W heater run? | How long does a 500 kWh heater run?
  Set the margin to 10 px | Set the margin to 10 rem
  How fast is 100 Mbps? | How fast is 100 Gbps?
  Sleep for 500 ms | Sleep for 500 seconds
  Convert 3 feet to inches | Convert 3 yards to inches
  How many calories in 100 g of rice? | How many calories in 100 oz of rice?
  Is 2 liters of water a day enough? | Is 2 gallons of water a day enough?
  How many kilometers is it to the moon? | How many miles is it to the moon?
  What is the boiling point of water in celsius? | What is the boiling point of water in kelvin?
  How many weeks are left until Christmas? | How many days are left until Christmas?
  How much does a litre of milk weigh in grams? | How much does a litre of milk weigh in ounces?
  Is 5 m of cable enough? | Is 5 ft of cable enough?
  Fill the tank with 40 litres | Fill the tank with 40 gallons
  How many bits are in a kilobyte? | How many bytes are in a kilobyte?
  Preheat to 200 C for bread | Preheat to 200 F for bread
  Is a raise of 3% normal? | Is a raise of 3 normal?
`;

export const currency = `
  Convert $5 to yen | Convert €5 to yen
  Convert 5 dollars to yen | Convert 5 euros to yen
  Can I rent a room for $800? | Can I rent a room for £800?
  How much is 100 rupees worth? | How much is 100 yen worth?
  What laptop can I get for 500 euros? | What laptop can I get for 500 dollars?
  Is 40,000 GBP a good salary? | Is 40,000 CHF a good salary?
  How much tax on EUR 60,000? | How much tax on USD 60,000?
  How do I send 200 pesos home? | How do I send 200 rupees home?
  What does a coffee cost in euros? | What does a coffee cost in yen?
  How do I pay in dollars? | How do I pay in euros?
  Why is the dollar falling? | Why is the euro falling?
  Should I keep savings in USD? | Should I keep savings in CHF?
  Exchange rate of the rupee | Exchange rate of the peso
  Price of gold in euros | Price of gold in dollars
  Is $1.5 million enough to retire? | Is €1.5 million enough to retire?
  My budget is £50 for a gift | My budget is $50 for a gift
  Is 20 zloty a fair tip? | Is 20 rubles a fair tip?
  The invoice says $99.00, why? | The invoice says €99.00, why?
  Flights under 300 CAD | Flights under 300 AUD
  What can I buy for 10 bucks? | What can I buy for 10 euros?
  How is bitcoin taxed? | How is the yen taxed?
  Is 3000 yuan a month enough to live on? | Is 3000 pesos a month enough to live on?
  Transfer 50 EUR to a friend | Transfer 50 SEK to a friend
  Withdraw 5000 JPY at the airport | Withdraw 5000 KRW at the airport
  What is the symbol of the yen? | What is the symbol of the rupee?
  My salary is 4k euros, is that fair? | My salary is 4k dollars, is that fair?
`;

export const date = `
  What happened on 2024-01-05? | What happened on 2024-01-06?
  What happened on January 5, 2024? | What happened on January 5, 2023?
  Who was born on 5 May 1990? | Who was born on 6 May 1990?
  Meet at 3pm or later? | Meet at 3am or later?
  Train leaves at 15:30, when does it arrive? | Train leaves at 15:45, when does it arrive?
  Is the bank open today? | Is the bank open tomorrow?
  What did the market do yesterday? | What did the market do today?
  Is the pharmacy open on Sunday? | Is the pharmacy open on Saturday?
  Which films come out this week? | Which films come out next week?
  What were sales last month? | What were sales this month?
  How is the weather in Rome in June? | How is the weather in Rome in July?
  When is Easter in April 2026? | When is Easter in April 2027?
  What is due on June 3rd 2025? | What is due on June 13th 2025?
  Music of the 1980s | Music of the 1990s
  Plan my meals for Monday | Plan my meals for Thursday
  Report for Q1 | Report for Q3
  Is it a holiday on the 4th of July? | Is it a holiday on the 14th of July?
  What is on TV tonight? | What is on TV tomorrow?
  Book a table for 7 pm | Book a table for 8 pm
  Who won the final last year? | Who won the final this year?
  Does the office close at noon? | Does the office close at midnight?
  Which taxes are due next quarter? | Which taxes are due this quarter?
  Was 29 February 2024 a Thursday? | Was 28 February 2024 a Thursday?
  What should I plant in March? | What should I plant in September?
  My contract ends on 31/12/2025 | My contract ends on 30/11/2025
  Is the gym open on Mondays? | Is the gym open on Fridays?
  What were the top songs in December 2019? | What were the top songs in November 2019?
  Can I cancel before Friday? | Can I cancel before Wednesday?
`;

export const version = `
  What's new in Python 3.1? | What's new in Python 3.10?
  Is v1.2.3 safe to use? | Is v1.2.4 safe to use?
  What changed in Java 17? | What changed in Java 21?
  How do I upgrade from Ubuntu 20.04? | How do I upgrade from Ubuntu 22.04?
  Is Node 18 still supported? | Is Node 20 still supported?
  Does iOS 16 run on my phone? | Does iOS 17 run on my phone?
  How do I install Windows 10? | How do I install Windows 11?
  Features of PHP 7.4 | Features of PHP 8.4
  Is TLS 1.2 secure? | Is TLS 1.3 secure?
  How fast is USB 3.0? | How fast is USB 2.0?
  What is HTML4? | What is HTML5?
  Difference between HTTP/1.1 and caching | Difference between HTTP/2.1 and caching
  Was Django 4.2 an LTS release? | Was Django 5.2 an LTS release?
  How do I use GPT-3 for translation? | How do I use GPT-4 for translation?
  What is IPv4? | What is IPv6?
  How do I downgrade to version 2.8? | How do I downgrade to version 2.9?
  Release notes of Postgres 15 | Release notes of Postgres 16
  Is Angular 12 outdated? | Is Angular 15 outdated?
  Does React 17 support hooks? | Does React 18 support hooks?
  Install Redis 6.2 on Debian | Install Redis 7.2 on Debian
  Changes in Kubernetes 1.29 | Changes in Kubernetes 1.30
  When did Android 13 come out? | When did Android 14 come out?
  Is log4j 2.14.1 vulnerable? | Is log4j 2.17.1 vulnerable?
  Migrate from Vue 2 to a newer one | Migrate from Vue 3 to a newer one
  What does Bluetooth 5.0 add? | What does Bluetooth 5.3 add?
  How do I build TypeScript 5.4 from source? | How do I build TypeScript 5.5 from source?
  Is MySQL 5.7 end of life? | Is MySQL 8.0 end of life?
`;
