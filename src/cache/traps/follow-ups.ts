/**
 * Last turns that say the same after different histories: `first history | other history | last turn`, turns of
 * one history separated by `>`, the user's and the assistant's by turns.
 */
export const followUps = `
  What is the weather in Rome? > Sunny. | What does a hotel in Rome cost? > About 90 euros. | and in Paris?
  How many people live in Lyon? > Half a million. | Who is the mayor of Lyon? > It changes. | and in Nice?
  What is 5 plus 3? > 8 | What is 5 times 3? > 15 | and with 4?
  How do I boil eggs? > Eight minutes. | How do I fry eggs? > In butter. | how long for two?
  Who wrote Hamlet? > Shakespeare. | Who wrote Faust? > Goethe. | when was he born?
  Sort a list in Python > sorted(list) | Reverse a list in Python > list[::-1] | now in JavaScript
  Explain recursion > A call of itself. | Explain closures > Functions with scope. | give me an example
  Translate good morning into French > Bonjour. | Translate good night into French > Bonne nuit. | and in German?
  Is aspirin safe in pregnancy? > Ask a doctor. | Is ibuprofen safe in pregnancy? > Ask a doctor. | what about children?
  How do I cancel my order? > In your account. | How do I cancel my subscription? > In settings. | it does not work
  What is the notice period? > Four weeks. | What is the trial period? > Six months. | and for managers?
  Which bus goes to the airport? > The 12. | Which bus goes to the station? > The 7. | how often?
  What is a fixed rate? > It stays. | What is a variable rate? > It moves. | which one is better?
  Plan a trip to Oslo > Three days. | Plan a trip to Porto > Three days. | make it five days
  Write a poem about rain > Rain falls. | Write a story about rain > It rained. | make it shorter
  Compare Postgres and MySQL > Both are fine. | Compare Redis and MySQL > They differ. | what about speed?
  How do I lose weight? > Eat less. | How do I gain muscle? > Eat more. | how long will it take?
  Who won in 2018? > France. | Who won in 2014? > Germany. | against whom?
  Tell me about Mars > The red planet. | Tell me about Venus > The hot planet. | does it have moons?
  How do I open a savings account? > Online. | How do I close a savings account? > In writing. | what documents do I need?
  Fix the bug in line 3 > Done. | Fix the bug in line 9 > Done. | explain why
  Is the museum open today? > Yes. | Is the library open today? > Yes. | until when?
  Can I deduct rent? > Sometimes. | Can I deduct travel? > Often. | how much?
  Suggest a red wine > Merlot. | Suggest a white wine > Riesling. | another one
  What is the dose for adults? > 500 mg. | What is the dose for infants? > 60 mg. | how many times a day?
  My name is Ann > Hello Ann. | My name is Bob > Hello Bob. | what is my name?
  Use metric units > Fine. | Use imperial units > Fine. | how tall is the Eiffel Tower?
  Answer as a pirate > Aye. | Answer as a lawyer > Certainly. | what is tax?
  List three fruits > Apple, pear, plum. | List three birds > Owl, gull, wren. | two more
  Convert 5 km to miles > 3.1 | Convert 5 kg to pounds > 11 | and 10?
  What is the capital of Peru? > Lima. | What is the currency of Peru? > The sol. | and Chile?
  Should I buy the blue coat? > Yes. | Should I buy the red coat? > No. | why?
  How do I bake bread? > Mix and wait. > without yeast? > Use soda. | How do I bake bread? > Mix and wait. > without an oven? > Use a pan. | how long?
  Explain DNS > Names to addresses. > shorter > A phone book. | Explain DHCP > Leases. > shorter > Gives addresses. | once more
`;
