import CProcess
import CarillonCLI
import Foundation

/// The process, before there is anything in it.
@main
enum Program {
    static func main() {
        // While there is one thread and no open file.
        let faults = [cprocess_secure_descriptors(), cprocess_leave_first_place()].filter { $0 != 0 }
        for fault in faults {
            let words = "carillon: cannot start: \(String(cString: strerror(fault)))\n"
            FileHandle.standardError.write(Data(words.utf8))
        }
        if !faults.isEmpty { exit(1) }
        Task {
            await Carillon.main()
            exit(0)
        }
        dispatchMain()
    }
}
