"""Tables of the user's own."""

import numpy as np
import pytest

from vgrad.data import Csv, load


def read(tmp_path, text, **options):
    file = tmp_path / "table.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Csv(path=str(file), **{"target": "y", **options}).read(np.random.default_rng(0))


def test_columns_besides_the_target_are_features(tmp_path):
    examples = read(tmp_path, "a,y,b\n1,0.5,2\n3,1.5,-4e-1\n")
    assert examples.x.tolist() == [[1, 2], [3, -0.4]]
    assert examples.y.tolist() == [[0.5], [1.5]]
    assert examples.feature_names == ("a", "b")
    assert examples.task == "regression"


def test_text_becomes_one_feature_per_distinct_text(tmp_path):
    examples = read(tmp_path, "colour,size,y\nred,1,0.5\n blue ,2,1.5\nred,3,2.5\n")
    assert examples.feature_names == ("colour=blue", "colour=red", "size")
    assert examples.x.tolist() == [[0, 1, 1], [1, 0, 2], [0, 1, 3]]


def test_a_target_of_text_makes_classes_in_alphabetical_order(tmp_path):
    examples = read(tmp_path, 'a,y\n1,setosa\n2,virginica\n3,setosa\n4,"iris, other"\n')
    assert examples.task == "classification"
    assert examples.class_names == ("iris, other", "setosa", "virginica")
    assert examples.y.tolist() == [1, 2, 1, 0]


COUNTS_TO_20 = [*range(20)] * 2
COUNTS_TO_21 = [*range(21)] * 2


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([3, 7, 3, 7], "classification"),
        ([3.0, 7.5, 3.0, 7.5], "regression"),
        (COUNTS_TO_20, "classification"),
        (COUNTS_TO_21, "regression"),
        ([2, 3, 4, 5], "regression"),
    ],
    ids=["whole", "broken", "20 values", "21 values", "none twice"],
)
def test_few_repeated_whole_numbers_are_taken_for_classes(tmp_path, values, task):
    text = "a,y\n" + "".join(f"{row},{value}\n" for row, value in enumerate(values))
    assert read(tmp_path, text).task == task


def test_task_overrules_what_the_target_looks_like(tmp_path):
    whole = "a,y\n1,3\n2,7\n3,3\n4,7\n"
    assert read(tmp_path, whole, task="regression").y.tolist() == [[3], [7], [3], [7]]
    classes = read(tmp_path, "a,y\n1,3\n2,7.5\n", task="classification")
    assert classes.y.tolist() == [0, 1]
    assert classes.class_names == ("3", "7.5")


def test_several_columns_of_numbers_may_be_the_target(tmp_path):
    examples = read(tmp_path, "a,u,v\n1,2,3\n4,5,6\n", target=("v", "u"))
    assert examples.y.tolist() == [[3, 2], [6, 5]]
    assert examples.feature_names == ("a",)


def test_without_a_header_columns_are_called_by_their_number(tmp_path):
    examples = read(tmp_path, "1,2,0.5\n3,4,1.5\n", header=False, target=3)
    assert examples.feature_names == ("1", "2")
    assert examples.x.tolist() == [[1, 2], [3, 4]]
    assert examples.y.tolist() == [[0.5], [1.5]]


@pytest.mark.parametrize(
    "text",
    [
        b"a;y\n1;0.5\n2;1.5\n",
        b"\xef\xbb\xbfa;y\r\n1;0.5\r\n2;1.5",
        b" a ; y\n\n 1; 0.5\n\n2 ;1.5 \n\n",
        b'"a";"y"\n"1";"0.5"\n"2";"1.5"\n',
    ],
    ids=["plain", "as Excel writes it", "blanks", "quoted"],
)
def test_spellings_of_one_table_give_the_same_examples(tmp_path, text):
    examples = read(tmp_path, text, delimiter=";")
    assert examples.x.tolist() == [[1], [2]]
    assert examples.y.tolist() == [[0.5], [1.5]]
    assert examples.feature_names == ("a",)


def test_a_table_longer_than_a_block_keeps_its_rows_in_order(tmp_path):
    n = 10_000
    words = ("zeta", "beta", "alpha")  # their codes change when sorted at the end
    text = "a,w,y\n" + "".join(f"{row},{words[row * 3 // n]},{row / 2}\n" for row in range(n))
    examples = read(tmp_path, text)
    assert (examples.x[:, 0] == np.arange(n)).all()
    assert (examples.y[:, 0] == np.arange(n) / 2).all()
    third = np.arange(n) * 3 // n
    assert (examples.x[:, 1:] == (third[:, None] == [2, 1, 0])).all()


def test_a_table_is_split_by_class_like_any_other_data(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text("a,y\n" + "".join(f"{n},{'rare' if n < 5 else 'often'}\n" for n in range(50)))
    data = load(Csv(path=str(file), target="y"), np.random.default_rng(0))
    assert np.bincount(data.y_test).tolist() == [9, 1]
