"""Every page as each role: it opens, reads without scripts, fits narrow screens, and axe has nothing against it."""

from __future__ import annotations

import pytest

from tests.browser.axe import violations

PAGES = [
    "/",
    "/?range=day",
    "/?range=month",
    "/tasks",
    "/tasks?status=FAILURE&sort=-runtime",
    "/tasks?q=nothing-has-this",
    "/tasks/{done}",
    "/tasks/{hostile}",
    "/tasks/{done}/log",
    "/task-types",
    "/task-types/inventory.tasks.generate_index_cards",
    "/queues",
    "/queues/generate_qr_code",
    "/workers",
    "/schedules",
    "/items",
    "/items/{item}",
    "/items/{hostile_item}",
    "/jobs",
    "/activity",
]
WITHOUT_SCRIPTS = [page for page in PAGES if page != "/tasks/{done}/log"]
# What only operators see, and what only superusers see, on any page.
OPERATORS = ["Run a task", "Retry", "Pause the queue", "Run now", "Make the card", "Print a sheet of cards"]
SUPERUSERS = ["Delete …", "Change the limits"]


def path_of(site, page):
    return page.format(**site.tasks, item=site.items[0]["id"], hostile_item=site.hostile_item)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("role", "theme"), [("operator", "light"), ("superuser", "dark")])
def test_a_page_is_accessible_in_both_themes_and_fits_a_phone(site, open_page, page, role, theme):
    found = open_page(path_of(site, page), role, color_scheme=theme)
    assert found.locator("main h1").count() == 1
    assert violations(found) == []
    found.set_viewport_size({"width": 360, "height": 740})
    assert found.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(found) == []


@pytest.mark.parametrize("page", WITHOUT_SCRIPTS)
def test_a_viewer_reads_every_page_without_scripts_and_is_offered_nothing_else(site, open_page, page):
    found = open_page(path_of(site, page), "viewer", java_script_enabled=False)
    assert found.locator("main h1").is_visible()
    text = found.locator("main").inner_text()
    assert [words for words in OPERATORS + SUPERUSERS if words in text] == []
    forms = found.locator("main form[method=post]").count()
    assert forms == 0


def test_a_page_beyond_the_role_says_so(site, open_page):
    found = open_page(path_of(site, "/tasks/{done}/retry"), "viewer", status=403)
    assert "Not for your role" in found.locator("main h1").inner_text()


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("viewer", "/tasks/bulk"),
        ("viewer", "/tasks/{done}/retry"),
        ("viewer", "/tasks/{done}/revoke"),
        ("viewer", "/queues/generate_qr_code/pause"),
        ("viewer", "/queues/generate_qr_code/purge"),
        ("viewer", "/schedules/update_average_lead_times/disable"),
        ("viewer", "/items/{item}"),
        ("operator", "/tasks/{done}/delete"),
        ("operator", "/queues/generate_qr_code/concurrency"),
        ("operator", "/task-types/inventory.tasks.generate_qr_code/limits"),
    ],
)
def test_an_action_beyond_the_role_is_refused(site, open_page, role, path):
    found = open_page("/activity", role)
    status = found.evaluate("path => fetch(path, {method: 'POST'}).then(answer => answer.status)", path_of(site, path))
    assert status == 403


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/tasks/there-is-none", 404, "Not here"),
        ("/items/00000000-0000-4000-8000-000000000000", 404, "Not here"),
        ("/task-types/nothing", 404, "Not here"),
        ("/no-such-page", 404, "Not here"),
        ("/items/nonsense", 422, "That does not fit"),
        ("/tasks?cursor=nonsense", 422, "Tasks"),
        ("/tasks?q=foo:bar", 422, "Tasks"),
    ],
)
def test_mistakes_have_pages_of_their_own(open_page, path, status, title):
    found = open_page(path, "viewer", status=status)
    assert title in found.locator("main h1").inner_text()
    assert violations(found) == []


def test_a_mistake_in_a_search_is_told_under_the_box_with_its_column(open_page):
    found = open_page("/tasks?q=red+foo:bar", "viewer", status=422)
    assert "column 5" in found.locator(".below-search .mistake").inner_text()
    assert found.get_by_role("searchbox").input_value() == "red foo:bar"


def test_an_empty_list_and_one_without_matches_differ(open_page):
    found = open_page("/tasks?status=REVOKED&name=inventory.tasks.generate_qr_code", "viewer")
    assert "No task matches" in found.locator("main").inner_text()
    found = open_page("/items?prefix=qqq", "viewer")
    assert "No item's name begins so" in found.locator("main").inner_text()


@pytest.mark.parametrize("page", ["/", "/tasks", "/tasks/{hostile}", "/items", "/items/{hostile_item}", "/activity"])
def test_hostile_text_is_shown_and_does_nothing(site, open_page, page):
    found = open_page(path_of(site, page))
    assert found.title() != "owned"
    assert found.locator("main script, main img[src=x], main b").count() == 0
    assert found.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if "hostile" in page:
        assert "<script>document.title='owned'</script>" in found.locator("main").inner_text()


@pytest.mark.parametrize("width", [360, 768, 1280, 3840])
def test_pages_fit_every_width(open_page, width):
    found = open_page("/tasks", viewport={"width": width, "height": 900})
    for path in ("/tasks", "/", "/queues", "/items"):
        found.goto(path)
        assert found.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
