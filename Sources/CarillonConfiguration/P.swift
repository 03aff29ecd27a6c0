import Configuration
import TOMLKit
import Yams
