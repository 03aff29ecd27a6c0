/// Everything that a daemon tells Prometheus. What is in no row here is not exported, whoever counts it.
extension MetricFamily {
    /// Kinds of targets: those that this program knows, and what nobody serves.
    private static let targets = 6
    private static let lateness = [
        0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 1_800, 3_600,
    ]
    private static let durations = [
        0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200, 86_400,
    ]
    private static let transactions = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]
    private static let requests = [0.001, 0.01, 0.05, 0.1, 0.5, 1, 5]

    /// Jobs that are told of each for itself, at most.
    package static let mostWatched = 500
    /// Failing jobs that are told of by their names, at most.
    package static let mostFailing = 100
    /// Routes of the API, at most.
    private static let routes = 66

    package static let carillon: [MetricFamily] = daemon + runs + surroundings + channels + jobs

    private static let daemon = [
        MetricFamily("carillon_build_info", .info, ["version"], "The release that runs."),
        MetricFamily("carillon_tzdata_info", .info, ["version"], "The time-zone database that is in use."),
        MetricFamily("carillon_instance_info", .info, ["instance"], "What this daemon is called."),
        MetricFamily("carillon_planner_turned_timestamp_seconds", .gauge, "When the planner last looked what is due."),
        MetricFamily("carillon_next_due_timestamp_seconds", .gauge, "When the next job is due; missing when none is."),
        MetricFamily("carillon_due_jobs", .gauge, "Jobs whose time has come and that are not planned yet."),
        MetricFamily("carillon_paused", .gauge, "Whether all dispatching is held back."),
        MetricFamily("carillon_lease_term", .gauge, "The count of the term that this daemon writes under."),
        MetricFamily(
            "carillon_lease_held", .gauge, "Whether this daemon can be sure that nobody else may do its work."),
        MetricFamily(
            "carillon_clock_jumps_total", .counter, ["direction"], most: 3,
            "Times that the wall clock moved more or less than time passed, or the machine slept."),
        MetricFamily(
            "carillon_log_bytes_dropped_total", .counter, "Bytes of the daemon's log that nobody took in time."),
    ]

    private static let runs = [
        MetricFamily(
            "carillon_jobs", .gauge, ["state"], most: 5,
            "Jobs by state. On, off and halted are all of them; some are faulty or failing besides."),
        MetricFamily(
            "carillon_runs_total", .counter, ["state", "trigger", "target"], most: 20 * targets, "Runs that ended."),
        MetricFamily(
            "carillon_runs_active", .gauge, ["state", "target"], most: 3 * targets, "Runs that have not ended."),
        MetricFamily(
            "carillon_occurrences_skipped_total", .counter, ["reason", "missed"], most: 20,
            "Scheduled times that became no run; missed are those that somebody wanted. At most a million a record."),
        MetricFamily(
            "carillon_start_lateness_seconds", .histogram, ["target"], most: targets, bounds: lateness,
            "From a scheduled time, with its jitter, until the run started at its first try."),
        MetricFamily(
            "carillon_run_duration_seconds", .histogram, ["target", "state"], most: 3 * targets, bounds: durations,
            "From a run's start to its end."),
        MetricFamily(
            "carillon_handover_seconds", .histogram, ["target"], most: targets, bounds: lateness,
            "From handing a run over until it started."),
    ]

    private static let surroundings = [
        MetricFamily(
            "carillon_dispatch_errors_total", .counter, ["target"], most: targets,
            "Attempts that a dispatcher refused or could not take."),
        MetricFamily(
            "carillon_dispatcher_up", .gauge, ["target"], most: targets,
            "Whether what a dispatcher hands runs to can be reached, as far as runs have shown."),
        MetricFamily(
            "carillon_dispatcher_held_runs", .gauge, ["target"], most: targets,
            "Runs that wait for a dispatcher that is out of reach."),
        MetricFamily(
            "carillon_queue_jobs", .gauge, ["queue"], most: 50, "What waits in a queue that jobs go to."),
        MetricFamily("carillon_queue_workers", .gauge, ["queue"], most: 50, "Those who listen to a queue."),
        MetricFamily("carillon_feed_up", .gauge, ["feed"], most: 20, "Whether a feed was read well the last time."),
        MetricFamily("carillon_feed_read_timestamp_seconds", .gauge, ["feed"], most: 20, "When a feed was last read."),
        MetricFamily("carillon_feed_problems", .gauge, ["feed"], most: 20, "What is wrong in a feed, as a number."),
        MetricFamily(
            "carillon_store_transaction_seconds", .histogram, ["op"], most: 6, bounds: transactions,
            "How long the store took, where it did what it was to."),
        MetricFamily("carillon_store_bytes", .gauge, "How large the store is."),
        MetricFamily("carillon_store_free_bytes", .gauge, "How much room their disk has left."),
    ]

    private static let channels = [
        MetricFamily(
            "carillon_notifications_total", .counter, ["channel", "result"], most: 10,
            "Messages to people, sent or failed; one that failed is tried again."),
        MetricFamily(
            "carillon_http_requests_total", .counter, ["route", "method", "code"], most: 4 * routes,
            "Requests to the API, by the class of their answer."),
        MetricFamily(
            "carillon_http_request_duration_seconds", .histogram, ["route", "method"], most: routes, bounds: requests,
            "How long the API took until it began to answer."),
        MetricFamily("carillon_http_streams", .gauge, "Answers without an end that are open."),
    ]

    private static let jobs = [
        MetricFamily("carillon_job_info", .info, ["job", "feed", "target"], most: mostWatched, "A watched job."),
        MetricFamily(
            "carillon_job_last_success_timestamp_seconds", .gauge, ["job"], most: mostWatched,
            "When a run of it last completed."),
        MetricFamily(
            "carillon_job_last_end_timestamp_seconds", .gauge, ["job"], most: mostWatched,
            "When a run of it last ended."),
        MetricFamily(
            "carillon_job_last_duration_seconds", .gauge, ["job"], most: mostWatched, "How long that run took."),
        MetricFamily(
            "carillon_job_next_run_timestamp_seconds", .gauge, ["job"], most: mostWatched,
            "Its next time; missing when there is none."),
        MetricFamily(
            "carillon_job_consecutive_failures", .gauge, ["job"], most: mostWatched,
            "Runs of it in a row that failed, up to the last one."),
        MetricFamily("carillon_job_running", .gauge, ["job"], most: mostWatched, "Runs of it that run here."),
        MetricFamily(
            "carillon_metrics_jobs_dropped", .gauge, "Jobs that are to be watched and are beyond the bound."),
        MetricFamily(
            "carillon_job_failing", .gauge, ["job"], most: mostFailing,
            "1 for each of the jobs that have failed most often in a row."),
    ]
}
