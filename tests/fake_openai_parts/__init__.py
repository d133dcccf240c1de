"""The parts of the fake OpenAI server; import `FakeOpenAI` from `tests.fake_openai`."""
