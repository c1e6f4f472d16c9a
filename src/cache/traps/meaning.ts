/** Pairs that differ in a negation, an opposite or an order alone. */

export const negation = `
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
  Why is my refund approved? | Why is my refund not approved?
  Which employees get overtime pay? | Which employees don't get overtime pay?
  Can I travel with a visa? | Can I travel without a visa?
  What should I say in an interview? | What should I never say in an interview?
  Is my data shared with others? | Is my data not shared with others?
  Why did the build finish? | Why did the build fail to finish?
  Which plants need sun? | Which plants need no sun?
  Delete all rows that match | Delete all rows that do not match
  How do I keep my bread from rising? | How do I stop my bread from rising?
  Foods that are healthy but not tasty | Foods that are not healthy but tasty
  What happens if I pay my bill? | What happens if I don't pay my bill?
  Who is covered by the insurance? | Who isn't covered by the insurance?
  Does the warranty cover water damage? | Doesn't the warranty never cover water damage?
  Combien coûte le repas avec du vin pour nous ? | Combien ne coûte pas le repas avec du vin pour nous ?
  Warum ist das Restaurant offen? | Warum ist das Restaurant nicht offen?
`;

export const antonym = `
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
  Why are rents rising in my town? | Why are rents falling in my town?
  How do I thicken a sauce? | How do I thin a sauce?
  What does the landlord have to repair? | What does the tenant have to repair?
  Is my blood pressure too high? | Is my blood pressure too low?
  How do I gain weight? | How do I lose weight?
  Symptoms of hyperglycemia | Symptoms of hypoglycemia
  Rules for inbound calls | Rules for outbound calls
  Where is the departure hall? | Where is the arrival hall?
  How do I lend money? | How do I borrow money?
  What is gross pay? | What is net pay?
  Was the hotel overbooked? | Was the hotel underbooked?
  How do I mute a channel? | How do I unmute a channel?
  Is this drug harmful? | Is this drug harmless?
  Upgrade the package | Downgrade the package
  Can I undercook chicken a little? | Can I overcook chicken a little?
  Is the warranty included? | Is the warranty excluded?
`;

export const order = `
  Convert USD to EUR | Convert EUR to USD
  Flights from Paris to London | Flights from London to Paris
  Cheap flights from paris to london | Flights from london to paris
  Is Python faster than Java? | Is Java faster than Python?
  is gold heavier than silver? | is silver heavier than gold?
  Translate from german into french | Translate from french into german
  Cats vs dogs as pets | Dogs vs cats as pets
  Does Alice love Bob? | Does Bob love Alice?
  Did Germany invade Poland? | Did Poland invade Germany?
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
  Move my booking from Lyon to Nice | Move my booking from Nice to Lyon
  Is rent higher than salary in Oslo? | Is salary higher than rent in Oslo?
  Add the flour to the milk | Add the milk to the flour
  Transfer money from savings to checking | Transfer money from checking to savings
  Should I stretch before running? | Should I run before stretching?
  Does sleep depend on diet more than exercise? | Does exercise depend on diet more than sleep?
  Does the manager report to the director? | Does the director report to the manager?
  Migrate from MySQL to Postgres | Migrate from Postgres to MySQL
  Replace butter with oil | Replace oil with butter
  Did Anna hire Tom? | Did Tom hire Anna?
  Is butter healthier than margarine? | Is margarine healthier than butter?
  Subtract tax from income | Subtract income from tax
`;
