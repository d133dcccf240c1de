"""How people begin: greetings and words of courtesy of the more common languages, which say nothing of a subject."""

from __future__ import annotations

import re

_GREETINGS = (
    r"(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|dear \w+|thanks|thank you|okay|ok|test|sure|certainly"
    r"|absolutely|of course|great question|how are you(?: doing)?(?: today)?|i have a (?:quick )?question"
    r"|hallo|guten (?:tag|morgen|abend)|danke|gerne|natürlich|bonjour|bonsoir|salut|merci|bien sûr|hola"
    r"|buen[oa]s (?:días|tardes|noches)|gracias|claro|ciao|buongiorno|grazie|olá|oi|bom dia|boa (?:tarde|noite)"
    r"|привет|здравствуйте|добрый день|спасибо|你好|您好|早上好|こんにちは|すみません|안녕하세요|مرحبا|سلام|שלום|नमस्ते)"
    r"(?: (?:there|all|everyone|again|chatgpt|chat|gpt|ai|assistant))?"
)
_PLEASE = (
    r"(?:(?:(?:could|can|would|will) you (?:please|kindly)|please|(?:(?:kannst du|könntest du|können sie|könnten sie)"
    r"(?: mir)? )?bitte(?: mir)?|(?:(?:peux-tu|pourrais-tu|pouvez-vous|pourriez-vous) )?s['’]il (?:te|vous) plaît"
    r"|¿?(?:(?:puedes|podrías|puede|podría|pode|poderia) )?por favor|(?:(?:puoi|potresti) )?per favore|пожалуйста)"
    r"(?!\w)[\s,:]*|(?:could|can) you (?=(?:explain|tell|show|help|write|give|make|create|translate|fix|list)\b)"
    r"|(?:请问|请帮我)[，：]?)"
)
_PAUSE = (
    r"(?:\s*(?:[,.!…:;?؟،؛]+(?=\s|$)|[，。！？、～：]+|\s[–—-](?=\s)|[\u2600-\u27bf\U0001f300-\U0001faff\ufe0f]+)\s*"
    r"(?!\s*world\b)|$)"
)
# A greeting alone, or with what parts it from the rest, for "Hello world in Rust" does not greet.
GREETING = re.compile(rf"^(?:{_GREETINGS}(?:{_PAUSE}|\s*(?={_PLEASE}))|{_PLEASE})+", re.I)
