"""The addresses of a participant's course, of holds after chemotherapy and of absences."""

from django.urls import path

from schedules.web.course.absences import absence_end, participant_absences, site_absences
from schedules.web.course.holds import hold, hold_act
from schedules.web.course.views import course, course_step, course_undo

urlpatterns = [
    path("participants/<int:pk>/course/", course, name="course"),
    path("participants/<int:pk>/course/undo/", course_undo, name="course-undo"),
    path("participants/<int:pk>/course/<slug:step>/", course_step, name="course-step"),
    path("participants/<int:pk>/hold/", hold, name="hold"),
    path("participants/<int:pk>/hold/<slug:act>/", hold_act, name="hold-act"),
    path("participants/<int:pk>/absences/", participant_absences, name="participant-absences"),
    path("sites/<int:pk>/absences/", site_absences, name="site-absences"),
    path("absences/<int:pk>/end/", absence_end, name="absence-end"),
]
