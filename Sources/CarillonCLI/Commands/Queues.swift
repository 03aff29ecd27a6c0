import ArgumentParser
import CarillonDaemon
import CarillonEngine
import CommandSupport

struct Queues: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What waits where workers take their runs from, and how many listen there.",
        discussion: "Of each system at most fifty queues that jobs go to. A server that does not answer has none.")
    @OptionGroup var place: DaemonLocation
    @Flag(help: "Print one JSON object a line.") var json = false

    func run() async throws {
        guard case .queues(let queues) = try await DaemonClient(place: place).ask(.queues) else {
            throw Failure.failed("the daemon gave an answer of another kind")
        }
        var table = TextTable("QUEUE", .fixed("TARGET"), .fixed("WAITING"), .fixed("WORKERS"))
        for queue in queues {
            if json { try say(json: queue) }
            table.add(
                .init(queue.name), .init(queue.target), .init(Counted.number(queue.jobs)),
                queue.workers == 0 ? .init("none", .yellow) : .init(Counted.number(queue.workers)))
        }
        if json { return }
        if queues.isEmpty { return say("no job goes to a queue") }
        table.print()
    }
}
