from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from setpoint.loadgen.prompts import COMMON_WORDS, Prompts, words_of_tokenizer


def test_prompts_are_new_for_each_request_and_each_run() -> None:
    texts = [Prompts(salt).text(number, 50) for salt in ("a", "b") for number in range(20)]
    assert len(set(texts)) == 40
    beginnings = {" ".join(text.split()[:8]) for text in texts}
    assert len(beginnings) == 40  # not even the first block of a prefix cache is shared


def test_the_same_request_of_a_run_has_the_same_prompt() -> None:
    assert Prompts("a").text(3, 50) == Prompts("a").text(3, 50)


def test_a_share_of_each_prompt_is_common_from_its_beginning() -> None:
    prompts = Prompts("a", shared_prefix=0.5)
    short, long = prompts.text(1, 40).split(), prompts.text(2, 100).split()
    assert short[:20] == long[:20]
    assert short[20:30] != long[20:30]
    assert Prompts("b", shared_prefix=0.5).text(1, 40).split()[:20] != short[:20]


def test_all_of_a_prompt_can_be_common() -> None:
    prompts = Prompts("a", shared_prefix=1.0)
    assert prompts.text(1, 40) == prompts.text(2, 40)


def test_a_prompt_has_as_many_words_as_the_law_says() -> None:
    prompts = Prompts("a").calibrated((8, 22), (128, 202))  # 1.5 tokens a word and 10 around them
    assert len(prompts.text(1, 310).split()) == 200
    assert len(prompts.text(1, 3).split()) == 1


@pytest.mark.parametrize(("short", "long"), [((8, 20), (128, 20)), ((8, 20), (8, 30)), ((8, 20), (128, 5))])
def test_counts_without_a_law_are_refused(short: tuple[int, int], long: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="counted as"):
        Prompts("a").calibrated(short, long)


def a_tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=["<s>"], show_progress=False)
    tokenizer.train_from_iterator([" ".join(COMMON_WORDS)] * 20, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def test_words_of_a_tokenizer_are_one_token_each(tmp_path: Path) -> None:
    tokenizer = a_tokenizer(tmp_path)
    prompts = Prompts("a", words_of_tokenizer(tmp_path))
    text = prompts.text(1, 200)
    assert len(tokenizer.encode(" " + text).ids) == 200


def test_words_that_a_tokenizer_does_not_know_are_not_used(tmp_path: Path) -> None:
    words = {f"word{number}": number for number in range(100)}
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 100, **words}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert set(words_of_tokenizer(tmp_path / "tokenizer.json")) == set(words)


def test_a_tokenizer_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot be loaded as a tokenizer\.json"):
        words_of_tokenizer(tmp_path)
