"""What can stop a demo."""

from infra.errors import ErrorCode


class DemoCode(ErrorCode):
    """Each names the stage's evidence; the log folder stands in the summary."""

    DEMO_STACK_FAILED = "the embedded stack did not come up", "read the log named here"
    DEMO_STACK_GONE = "the embedded stack ended under the demo", "read the log named here, and run the demo again"
    DEMO_RUN_REFUSED = "Dagster did not accept the run", "check `dagster definitions validate` and the reason"
    DEMO_RUN_FAILED = "a Dagster run did not succeed", "open the run in the Dagster UI, or read the step's error here"
    DEMO_RUN_TIMEOUT = "a Dagster run did not end in time", "open the run in the Dagster UI"
    DEMO_RESULT_MISSING = "a stage ended without the result it is for", "read the log of the stage"
    DEMO_PROCESS_FAILED = "a process of the demo ended with an error", "read the log named here"
    DEMO_REPLAY_DIFFERS = "the replay of the input log gave other orders", "compare the two lists named here"
