"""How people begin: greetings and words of courtesy, which say nothing of what a chat is about."""

from __future__ import annotations

import re

_GREETINGS = (
    r"(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|greetings|dear \w+|thanks|thank you|okay|ok|test"
    r"|sure|certainly|absolutely|of course|great question|how are you(?: doing)?(?: today)?"
    r"|i have a (?:quick )?question"
    r"|hallo|guten (?:tag|morgen|abend)|moin|servus|danke|gerne|natürlich|bonjour|bonsoir|salut|merci|bien sûr"
    r"|hola|buen[oa]s (?:días|tardes|noches)|buen día|gracias|claro|ciao|buongiorno|salve|certo|grazie|olá|oi|bom dia"
    r"|boa (?:tarde|noite)|goede(?:morgen|middag|navond)|hej|cześć|dzień dobry|merhaba|selam|привет|здравствуйте"
    r"|добрый день|спасибо|你好|您好|嗨|早上好|こんにちは|おはようございます|すみません|안녕하세요|안녕|مرحبا"
    r"|السلام عليكم|سلام|שלום|היי|नमस्ते|สวัสดี(?:ครับ|ค่ะ)?)"
    r"(?: (?:there|all|everyone|again|zusammen|chatgpt|chat|gpt|ai|assistant))?"
)
_PLEASE = (
    r"(?:(?:(?:could|can|would|will) you (?:please|kindly)|please|(?:(?:kannst du|könntest du|können sie|könnten sie)"
    r"(?: mir)? )?bitte(?: mir)?|(?:(?:peux-tu|pourrais-tu|pouvez-vous|pourriez-vous) )?s['’]il (?:te|vous) plaît"
    r"|¿?(?:(?:puedes|podrías|puede|podría|pode|poderia) )?por favor|(?:(?:puoi|potresti) )?per favore|пожалуйста)"
    r"(?!\w)[\s,:]*|(?:could|can) you (?=(?:explain|tell|show|help|write|give|make|create|translate|fix|list)\b)"
    r"|(?:请问|请帮我|麻烦你|麻烦您)[，：]?)"
)
_PAUSE = (
    r"(?:\s*(?:[,.!…:;?؟،؛]+(?=\s|$)|[，。！？、～：]+|\s[–—-](?=\s)|[\u2600-\u27bf\U0001f300-\U0001faff\ufe0f]+)\s*"
    r"(?!\s*world\b)|$)"
)
# A greeting alone, or with what parts it from the rest, for "Hello world in Rust" does not greet.
GREETING = re.compile(rf"^(?:{_GREETINGS}(?:{_PAUSE}|\s*(?={_PLEASE}))|{_PLEASE})+", re.I)
