"""Follow-ups of a finished task: callbacks, chains, chords, errbacks."""

from datetime import timedelta

from wire_samples import NAME, NOW, chord, signature

from makertasks import wire


def ids():
    """An id factory that counts."""
    numbers = iter(range(100))
    return lambda: f"new-{next(numbers)}"


class TestFollowers:
    def follow(self, result=42, **fields):
        return wire.followers(wire.Message("an-id", NAME, **fields), result, new_id=ids(), now=NOW)

    def test_a_callback_gets_the_result_before_its_own_arguments(self):
        following = self.follow(callbacks=[signature("t.a", 1, options={"task_id": "x"})])

        [message] = following.messages
        assert (message.task_id, message.name, message.args) == ("x", "t.a", [42, 1])
        assert (message.root_id, message.parent_id) == ("an-id", "an-id")
        assert following.children == [wire.task_tree("x")]

    def test_an_immutable_callback_gets_its_own_arguments_only(self):
        [message] = self.follow(callbacks=[signature("t.a", 1, immutable=True)]).messages

        assert message.args == [1]

    def test_several_callbacks_are_a_group(self):
        following = self.follow(callbacks=[signature("t.a"), signature("t.b")], root_id="root")

        assert [message.group_index for message in following.messages] == [0, 1]
        assert {message.root_id for message in following.messages} == {"root"}
        [[[group_id, _], members]] = following.children
        assert {message.group_id for message in following.messages} == {group_id}
        assert [member[0][0] for member in members] == [message.task_id for message in following.messages]

    def test_the_last_entry_of_a_chain_runs_next_and_carries_the_rest(self):
        steps = [signature("t.third"), signature("t.second")]

        [message] = self.follow(chain=steps).messages

        assert (message.name, message.args, message.chain) == ("t.second", [42], steps[:1])

    def test_a_callbacks_countdown_and_expiry_count_from_now(self):
        [message] = self.follow(callbacks=[signature(options={"countdown": 5, "expires": 60.0, "queue": "q"})]).messages

        assert (message.eta, message.expires) == (NOW + timedelta(seconds=5), NOW + timedelta(minutes=1))
        assert message.queue == "q"

    def test_a_chord_in_a_chain_is_saved_before_its_parts_are_sent(self):
        # given a chain whose next step is a chord
        body = signature("t.body")

        # when the task before it has ended, then the chord's parts are sent
        following = self.follow(chain=[signature("t.last"), chord([signature("t.a"), signature("t.b")], body)])

        [started] = following.chords
        assert [message.args for message in following.messages] == [[42], [42]]
        assert started.size == 2
        assert {message.group_id for message in following.messages} == {started.group_id}
        assert list(wire.tree_ids(started.group)) == [message.task_id for message in following.messages]
        part = following.messages[-1]
        assert part.chord["task"] == "t.body"

        # when the parts have ended, then the body is sent with the rest of the chain
        [last] = wire.chord_followers(part, [1, 2], new_id=ids()).messages

        assert (last.name, last.args, last.parent_id) == ("t.body", [[1, 2]], part.task_id)
        assert [step["task"] for step in last.chain] == ["t.last"]

    def test_a_chord_without_parts_sends_its_body(self):
        [message] = self.follow(callbacks=[chord([], signature("t.body"))]).messages

        assert (message.name, message.args) == ("t.body", [[]])

    def test_errbacks_get_the_failed_tasks_id_and_the_chain_fails_too(self):
        steps = [signature("t.third", options={"task_id": "3"}), signature("t.second", options={"task_id": "2"})]
        failed = wire.Message("an-id", NAME, errbacks=[signature("t.why", "x")], chain=steps)

        following = wire.error_followers(failed, new_id=ids(), now=NOW)

        [message] = following.messages
        assert (message.name, message.args) == ("t.why", ["an-id", "x"])
        assert [never_run.task_id for never_run in following.failed] == ["3", "2"]

    def test_a_failed_chord_fails_its_body_and_calls_its_errbacks(self):
        body = signature("t.body", options={"task_id": "b", "link_error": [signature("t.why")]})
        part = wire.Message("an-id", NAME, chord=body, group_id="g")

        following = wire.chord_error_followers(part, new_id=ids(), now=NOW)

        assert [message.args for message in following.messages] == [["b"]]
        assert [never_run.task_id for never_run in following.failed] == ["b"]

    def test_a_message_without_links_sends_nothing(self):
        message = wire.Message("an-id", NAME)

        for following in (
            wire.followers(message, 1),
            wire.error_followers(message),
            wire.chord_followers(message, []),
            wire.chord_error_followers(message),
        ):
            assert following == wire.Followers()
