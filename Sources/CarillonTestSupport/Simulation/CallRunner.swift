import CarillonCore

/// Runs what instances ask of their stores, each call as far as it goes at that moment: what waits there waits for the world.
///
/// Unchecked: a world and all that is in it belong to one thread, which runs these jobs itself.
final class CallRunner: TaskExecutor, @unchecked Sendable {
    private var jobs: [UnownedJob] = []
    private var isRunning = false

    func enqueue(_ job: consuming ExecutorJob) { jobs.append(UnownedJob(job)) }

    /// Begins a call; `then` hears how it ended, at once where nothing of it waits.
    func begin<Answer>(
        _ body: @escaping () async throws -> Answer, then: @escaping (Result<Answer, StoreError>) -> Void
    ) {
        // Both stay on this thread.
        nonisolated(unsafe) let (body, then) = (body, then)
        Task(executorPreference: self) {
            let answer: Result<Answer, StoreError>
            do {
                answer = .success(try await body())
            } catch let error as StoreError {
                answer = .failure(error)
            } catch {
                answer = .failure(StoreError(.refused, "\(error)"))
            }
            then(answer)
        }
        run()
    }

    /// Lets every call go on that can; what one begins on the way comes after it.
    func run() {
        if isRunning { return }
        isRunning = true
        var next = 0
        while next < jobs.count {
            let job = jobs[next]
            next += 1
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
        jobs.removeAll(keepingCapacity: true)
        isRunning = false
    }
}
