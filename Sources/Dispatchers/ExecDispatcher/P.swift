import CarillonCore
public final class ExecDispatcher { public static func log(of: RunID, job: String, in: String) -> String { "" } }
