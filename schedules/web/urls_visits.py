"""The addresses of visits, of participants' courses and of absences."""

from django.urls import path

from schedules.web.absences import absence_end, participant_absences, site_absences
from schedules.web.course import course, course_step, course_undo
from schedules.web.visits import unscheduled, visit_deed, visit_detail

urlpatterns = [
    path("visits/<int:pk>/", visit_detail, name="visit"),
    path("visits/<int:pk>/<slug:deed>/", visit_deed, name="visit-deed"),
    path("participants/<int:pk>/unscheduled/", unscheduled, name="unscheduled"),
    path("participants/<int:pk>/course/", course, name="course"),
    path("participants/<int:pk>/course/undo/", course_undo, name="course-undo"),
    path("participants/<int:pk>/course/<slug:step>/", course_step, name="course-step"),
    path("participants/<int:pk>/absences/", participant_absences, name="participant-absences"),
    path("sites/<int:pk>/absences/", site_absences, name="site-absences"),
    path("absences/<int:pk>/end/", absence_end, name="absence-end"),
]
