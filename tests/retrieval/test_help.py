import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.help import HelpArticle, HelpSearch
from tests.retrieval.fakes import HashingEmbedder
from tests.retrieval.helpdesk import ANSWERED, ARTICLES, UNANSWERED


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    found = HelpSearch.build(tmp_path_factory.mktemp("help"), ARTICLES, HashingEmbedder())
    yield found
    found.close()


def best_sentence(hit):
    return max(range(len(hit.sentence_scores)), key=lambda each: hit.sentence_scores[each])


def test_the_article_and_its_sentence_are_found(desk):
    hit = desk.search("reset your password")[0]
    assert hit.article_id == "account"
    assert best_sentence(hit) == 0
    assert len(hit.sentence_scores) == 3


def test_no_more_articles_than_asked_for(desk):
    assert len(desk.search("coupon for one item", k=1)) == 1


@settings(max_examples=60, deadline=None)
@given(query=st.text(max_size=40))
def test_any_text_is_a_question(desk, query):
    assert len(desk.search(query)) <= 3


def test_a_changed_article_embeds_only_its_new_sentence(tmp_path):
    before = HelpArticle("a", "Parking", ("Parking is free.", "It closes at ten."))
    after = HelpArticle("a", "Parking", ("Parking is free.", "It never closes."))
    HelpSearch.build(tmp_path, [before], HashingEmbedder()).close()
    embedder = HashingEmbedder()
    desk = HelpSearch.build(tmp_path, [after], embedder)
    assert embedder.embedded == ["Parking. It never closes."]
    assert best_sentence(desk.search("never closes")[0]) == 1
    desk.close()


def test_a_desk_without_articles_has_no_answer(tmp_path):
    desk = HelpSearch.build(tmp_path, [], HashingEmbedder())
    assert desk.search("returns") == []
    desk.close()


def test_questions_with_the_real_model(real_embedder, tmp_path):
    desk = HelpSearch.build(tmp_path, ARTICLES, real_embedder)
    right = sum(
        bool(hits := desk.search(query)) and hits[0].article_id == article_id
        for query, article_id in ANSWERED
    )
    assert right >= 20, f"{right} of {len(ANSWERED)} questions reach their article"
    assert [query for query in UNANSWERED if desk.search(query)] == []
    desk.close()
