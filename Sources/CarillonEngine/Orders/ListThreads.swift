import Dispatch

/// The threads that write long lists, apart from those that the engine's own work waits for.
final class ListThreads: TaskExecutor {
    static let shared = ListThreads()

    private let queue = DispatchQueue(label: "carillon.lists", qos: .utility, attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
