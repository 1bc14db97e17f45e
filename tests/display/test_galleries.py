"""Pictures and the page of a gallery."""

import numpy as np
import pytest

from barkcluster import FamiliarityModel, Session, SessionGallery, write_session
from barkcluster.display.report.gallery import write_gallery_report
from barkcluster.gallery import NONE_OF_THEM, Answer, Evaluation

galleries = pytest.importorskip("barkcluster.display.galleries")
pytest.importorskip("matplotlib").use("agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(scope="module")
def gallery():
    rng = np.random.default_rng(0)
    bands = {name: rng.normal(-45, 8, size=25) for name in ("anna", "bert", "$carl$")}
    return SessionGallery(FamiliarityModel(scales=(0.5,))).fit({
        name: [Session(levels + rng.normal(0, 4, size=(500, 25))) for _ in range(3)]
        for name, levels in bands.items()})


@pytest.fixture
def evaluation():
    return Evaluation(["anna", "<b>bert</b>"], [
        Answer("a1", "anna", "anna", "anna", 0.5, 0.5, np.nan, np.nan),
        Answer("a2", "anna", "<b>bert</b>", "<b>bert</b>", 0.4, 0.1, 61.0, 64.0),
        Answer("b1", "<b>bert</b>", "<b>bert</b>", NONE_OF_THEM, 0.01, 0.01, np.nan, np.nan),
    ], 0.05, {"anna": 0.75})


def test_confusion_shows_none_of_them_in_a_column_alone(evaluation):
    ax = galleries.plot_confusion(evaluation)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["anna", "<b>bert</b>", NONE_OF_THEM]
    assert ax.get_ylim() == (1.5, -0.5)
    assert len(ax.texts) == 6       # none below the last row, among the labels
    ax.figure.canvas.draw()
    assert ax.title.get_window_extent().y1 <= ax.figure.bbox.y1
    np.testing.assert_array_equal(ax.images[0].get_array()[:2], [[1, 1, 0], [0, 0, 1]])


def test_long_names_beside_the_confusion_end_at_their_columns_and_the_title_is_whole():
    names = ["a rather long name of a band", "another long name of a band"]
    said = [Answer("s", name, name, name, 0.5, 0.5, np.nan, np.nan) for name in names]
    ax = galleries.plot_confusion(Evaluation(names, said, 0.05, {}))
    ax.figure.canvas.draw()
    columns = ax.transData.transform([(i, 0) for i in range(3)])[:, 0]
    for label, column in zip(ax.get_xticklabels(), columns, strict=True):
        assert abs(label.get_window_extent().x1 - column) < 15
    extent = ax.title.get_window_extent()
    assert extent.x0 >= 0 and extent.x1 <= ax.figure.bbox.x1


def test_sessions_of_a_name_lie_together_and_the_query_among_them(gallery):
    places = galleries.places_of(gallery)
    centers = np.array([rows.mean(axis=0) for rows in places.values()])
    own = max(np.ptp(rows, axis=0).max() for rows in places.values())
    apart = min(np.linalg.norm(a - b) for i, a in enumerate(centers) for b in centers[:i])
    assert own < apart
    ax = galleries.plot_sessions(gallery, {"now": Session(np.full((300, 25), -50.0))})
    assert len(ax.collections) == 4
    assert ax.get_xlabel() == "discriminant 1"
    assert [t.get_text() for t in ax.texts] == ["now"]
    ax = galleries.plot_sessions(gallery, query=Session(np.full((300, 25), -50.0), name="later"))
    assert [t.get_text() for t in ax.texts] == ["later"]


def test_two_names_lie_on_principal_components(gallery):
    two = SessionGallery(FamiliarityModel(scales=(0.5,))).fit({
        name: np.random.default_rng(i).normal(-40, 5, size=(500, 25))
        for i, name in enumerate("ab")})
    ax = galleries.plot_sessions(two)
    assert ax.get_ylabel() == "principal component 2"


def test_the_page_escapes_names_and_says_where_to_listen(evaluation, gallery):
    from barkcluster.display.report.gallery import gallery_html

    page = gallery_html(evaluation, galleries.places_of(gallery))
    assert "<b>bert" not in page and "&lt;b&gt;bert" in page
    assert "1:01 to 1:04" in page
    assert "<title>$carl$, session 3</title>" in page
    assert "1 of anna, said: &lt;b&gt;bert&lt;/b&gt;" in page
    assert "default-src 'none'" in page and "<script" not in page


def test_the_page_has_the_query_on_the_map_and_the_table_behind_it(evaluation, gallery):
    from barkcluster.display.report.gallery import gallery_html

    asked = galleries.places_of_queries(gallery, {"<now>": Session(np.full((300, 25), -50.0))})
    page = gallery_html(evaluation, galleries.places_of(gallery), asked)
    assert "<title>&lt;now&gt;, asked about</title></path>" in page
    x, y = asked["<now>"]
    assert (f"<tr><td><bdi>&lt;now&gt;, asked about</bdi></td><td class='number'>{x:.2f}</td>"
            f"<td class='number'>{y:.2f}</td></tr>") in page
    assert page.count("<circle") == 9
    table = page[page.index("<details>"):page.index("</details>")]
    assert table.count("<tr>") == 1 + 9 + 1


def test_a_name_that_is_not_utf_8_does_not_end_the_work(tmp_path):
    answer = Answer("take", "\udcff", "\udcff", "\udcff", 0.5, 0.5, np.nan, np.nan)
    found = Evaluation(["\udcff"], [answer], 0.05, {})
    write_gallery_report(found, {"\udcff": np.zeros((1, 2))}, tmp_path / "page.html")
    assert "<bdi>?</bdi>" in (tmp_path / "page.html").read_text("utf-8")
    found.to_csv(tmp_path / "said.csv")
    assert "take,\\udcff," in (tmp_path / "said.csv").read_text("utf-8")


def test_queries_on_the_map_are_whatever_a_gallery_ranks(gallery, tmp_path):
    frames = np.random.default_rng(5).normal(-45, 4, size=(500, 25))
    write_session(Session(frames), tmp_path / "now.txt")
    for query, called in ((frames, "query"), (Session(frames, name="jam"), "jam"),
                          (tmp_path / "now.txt", "now"), ({"it": frames}, "it")):
        ax = galleries.plot_sessions(gallery, query)
        assert [text.get_text() for text in ax.texts] == [called]
        plt.close(ax.figure)
