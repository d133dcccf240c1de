"""Values that widely used packages publish as examples and in tests: anyone can read them, so none is a secret."""

from __future__ import annotations

# By fingerprint, as the scan prints it.
PUBLISHED = frozenset(
    fingerprint
    for fingerprints in {
        "aiohttp": "64834d5f06dd",
        "apache-beam": "2d592ae502d9",
        "awscli": "16529b293d4d 475dddd7e494 4c7b3f40e866 50de7bbbb72f 5dbe8005e281 714776c4bb9a 7ca486cbe6b1 "
        "c0a9271ec8c3 cc370a40e4f5 d45c6bbbf1a5 e0a33b21e055 eef168423ab2 f420161d76f0 78ac78205f5e",
        "azure-storage-blob": "0011cc25eb43",
        "botocore": "0e8ad95d75d7",
        "celery": "623e06be4147 5a0d306cec98",
        "ccxt": "28950ae1b4f5 4d8d35415c4f 67a37a9148ee 98f693d3d820 a87d6066f46e b641460bf4c5 d155e4e9a981 "
        "f249bbf137c2 fcc25f9f1612",
        "certbot": "61025c20b9dc 95f1edbeb771 a390a36efc33 f84397c8f276",
        "django": "7981717cf3c0",
        "django-allauth": "d0437b766218 a15080363987 3e00771d8fcd 1a85aa7501f9 "
        "cd635a4892e1 7aae34de052d 0386896564d5 1d3d9038e2b7",
        "fastapi": "570dad43de1a",
        "flask": "2598f7d6adc1 9cb335cb7b5f ca32f86ce10b",
        "huggingface-hub, transformers": "791939be7ef9 5de261506c0f",
        "jupyterlab": "0189b65a732d",
        "kubernetes": "f53cddc280b5",
        "litellm": "e8610d763e3a",
        "moto": "6d7d883292bf 5c3eed3c776c 95c8035ebcdf",
        "oauthlib": "2c392d29da10",
        "openai": "d4e1077ad28d",
        "passlib": "43171c20079b 5520d5223a19",
        "prefect": "a3690f0986ca",
        "scrapy": "0114c1456f25",
        "sentry-sdk": "23e791f30520 290d21531475 bcb1f822f2d6 c5f31450b6e3 c6603006fbd4",
        "starlette": "7d32ba218501",
        "stripe": "5e2065b36436",
        "tencentcloud": "091dfa38fffc 7113e2c9e532 8d231defef1d",
    }.values()
    for fingerprint in fingerprints.split()
)
