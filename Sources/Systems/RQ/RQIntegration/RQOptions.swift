import ArgumentParser
package import CarillonConfiguration
import CarillonCore
import CarillonDaemon

/// The keys of a job's `rq` as options.
package struct RQOptions: ParsableArguments {
    @Option(help: "The function a worker calls, instead of a program: package.module.function.") var rq: String?
    @Option(help: "Its arguments, a list in JSON.") var rqArgs: String?
    @Option(help: "Its keyword arguments, an object in JSON.") var rqKwargs: String?
    @Option(help: "The queue it goes to.") var queue: String?
    @Option(help: "Seconds, or 10m, that a worker may take for it; -1 for ever.") var rqTimeout: String?
    @Option(help: "Seconds, or 1h, that Redis keeps the result; -1 for ever.") var resultTTL: String?
    @Option(help: "pickle or json.") var serializer: String?

    package init() {}

    /// Writes it as a job file's table would hold it; nil for a job of another kind.
    package func node() throws -> ConfigNode? {
        let others = [
            ("--rq-args", rqArgs), ("--rq-kwargs", rqKwargs), ("--queue", queue), ("--rq-timeout", rqTimeout),
            ("--result-ttl", resultTTL), ("--serializer", serializer),
        ]
        guard let rq else {
            if let lonely = others.first(where: { $0.1 != nil }) { throw Failure.input("\(lonely.0) needs --rq") }
            return nil
        }
        var entries: [(key: String, value: ConfigNode)] = [("function", ConfigNode(.string(rq)))]
        for (key, option, text) in [("args", "--rq-args", rqArgs), ("kwargs", "--rq-kwargs", rqKwargs)] {
            guard let text else { continue }
            do {
                entries.append((key, try ConfigDocument.read(text, format: .json, path: option)))
            } catch {
                throw Failure.input("\(option): expected JSON: \(error.message)")
            }
        }
        for (key, text) in [("queue", queue), ("serializer", serializer)] {
            if let text { entries.append((key, ConfigNode(.string(text)))) }
        }
        for (key, text) in [("timeout", rqTimeout), ("result_ttl", resultTTL)] {
            guard let text else { continue }
            entries.append((key, ConfigNode(Int64(text).map { .integer($0) } ?? .string(text))))
        }
        return ConfigNode(.table(entries))
    }
}
